"""`manage.py crds`: our custom resource definitions as YAML. `deploy/crds.yaml` is what it prints."""

import json
from typing import Any

import yaml
from django.core.management.base import BaseCommand

from ...cluster import ALL_DEFINITIONS

_HEAD = (
    "# The custom resource definitions of grids and ServiceGroups, for `kubectl apply -f`. Written by `make crds`\n"
    "# from sgportal/cluster/crds.py and the schemas beside it; change it there.\n"
)


class Command(BaseCommand):
    """Print the definitions."""

    help = "Prints the custom resource definitions of the grids as YAML."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write one document for each definition to standard output."""
        plain = json.loads(json.dumps(ALL_DEFINITIONS))  # without shared parts, which YAML would write as aliases
        text = yaml.safe_dump_all(plain, sort_keys=False, allow_unicode=True, width=120)
        self.stdout.write(_HEAD + text, ending="")
