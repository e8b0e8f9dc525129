"""`manage.py migrateonce`: apply the migrations that are missing, one process at a time.

Each pod runs it before its process begins (deploy/helm), several at once: on PostgreSQL they take turns by an advisory
lock, and whoever comes later finds nothing to do. Processes of the version before go on meanwhile.
"""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

_LOCK = 0x53474D49  # of PostgreSQL's advisory locks with one key; reconciler/process/session has those with two


class Command(BaseCommand):
    """Migrate, or wait until another process has."""

    help = "Applies missing migrations; several may be started at once, and one at a time does it."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it under the lock, which ends with the connection."""
        if not _missing():
            self.stdout.write("nothing to migrate")
            return
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        finally:
            connection.close()


def _missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
