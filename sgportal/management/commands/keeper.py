"""`manage.py keeper`: keep the EndpointSlices of closed loops until SIGTERM or SIGINT. Several may run; one
acts, or one for each shard."""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from ...logs import name_process
from ...reconciler.keeper_process import LeaderElection
from ..ending import asked_event
from ..process_memory import freeze, keep_trimming


class Command(BaseCommand):
    """Keep the closed loops closed."""

    requires_system_checks = (Tags.database,)  # those of pages would load all pages
    help = "Keeps the EndpointSlices of closed loops right, until SIGTERM or SIGINT."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until asked to end."""
        name_process("keeper")
        stop = asked_event()
        freeze()
        keep_trimming()
        LeaderElection().run(stop)
