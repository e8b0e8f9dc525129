"""`manage.py watch`: keep the mirror of the cluster until SIGTERM or SIGINT. Several may run; one acts, or one for each
shard."""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from ...logs import name_process
from ...reconciler.watcher import watch
from ..ending import asked_event
from ..process_memory import freeze, keep_trimming


class Command(BaseCommand):
    """Watch the cluster and wake the grids concerned."""

    requires_system_checks = (Tags.database,)  # those of pages would load all pages
    help = "Lists and watches the cluster into rows and wakes the grids concerned, until SIGTERM or SIGINT."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until asked to end."""
        name_process("watch")
        stop = asked_event()
        freeze()
        keep_trimming()
        watch(stop)
