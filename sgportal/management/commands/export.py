"""`manage.py export`: everything that grids run, as plain manifests that go on without the portal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...queries.per_unit.exports import as_text, grids_to_export


class Command(BaseCommand):
    """One YAML stream; what is to be known of it stands in comments."""

    help = "Prints the Deployments, StatefulSets and Services of all grids as plain manifests, for kubectl apply."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to leave out."""
        parser.add_argument("--namespace", default="", help="only those of this namespace")

    def handle(self, *_args: Any, namespace: str, **_options: Any) -> None:
        """Write grid by grid."""
        for piece in as_text(grids_to_export(namespace), str):
            self.stdout.write(piece, ending="")
