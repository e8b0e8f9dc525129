"""`manage.py migrateonce`: apply the migrations that are missing, one process at a time.

Each pod runs it before its process begins (deploy/helm), several at once: on PostgreSQL they take turns by an advisory
lock, and whoever comes later finds nothing to do. Processes of the version before go on meanwhile.
"""

from contextlib import suppress
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connection
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
            _learn()
        finally:
            connection.close()


def _learn() -> None:
    """Have PostgreSQL know what is in new columns. Until it does, it takes a 200th of a table's rows to have a value
    that all of them have, and joins by that; by itself it looks again once a tenth of the rows have changed."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            with suppress(OperationalError):  # it takes too long: that will do without
                cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def _missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
