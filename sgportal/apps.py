"""What Django starts: our application, and its administration site with ours in the place of the usual one."""

from types import TracebackType
from typing import Any

from django.apps import AppConfig, apps
from django.apps.registry import Apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.db import InternalError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.db.utils import DatabaseErrorWrapper

from .tracing import timed

# Error codes of PostgreSQL: read_only_sql_transaction, and of transactions that it ended because they rested, where a
# machine stood still.
AWAY = frozenset({"25006", "25P03", "25P04"})


class _Errors(DatabaseErrorWrapper):
    """A database that takes no writes, as a standby that is not promoted yet, or that ended what rested, is away like
    any other that is, and not a fault of ours, as which Django has it. Whatever is asked of it goes through here, the
    end of a transaction as well."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, traceback)
        except InternalError as found:
            if getattr(found.__cause__, "sqlstate", "") not in AWAY:
                raise
            raise OperationalError(*found.args) from found


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    vars(connection)["wrap_database_errors"] = _Errors(connection)  # a cached property
    if timed not in connection.execute_wrappers:
        connection.execute_wrappers.append(timed)


def _have_the_one_cluster(using: str, apps: Apps = apps, **_: Any) -> None:
    """The row that rows without a cluster of their own are of is there as soon as its table is."""
    from .models.scopes.clusters import DEFAULT

    try:
        clusters = apps.get_model("sgportal", "ManagedCluster")
    except LookupError:  # migrated back to before it
        return
    clusters._base_manager.using(using).get_or_create(pk=DEFAULT)


class Portal(AppConfig):
    """sgportal."""

    name = "sgportal"

    def ready(self) -> None:
        """Have sessions and tokens end with what they rest on, a database that takes no writes be away, its
        statements counted, and a new one know the one cluster."""
        from .access import endings  # noqa: F401  (registers its receivers)

        connection_created.connect(_watch, dispatch_uid="read_only")
        post_migrate.connect(_have_the_one_cluster, sender=self, dispatch_uid="one_cluster")


class Administration(SimpleAdminConfig):
    """Django's administration, with the portal's roles. Its pages are loaded with the addresses (`sgportal.urls`):
    processes that serve none do without them and the dashboard's."""

    default_site = "sgportal.admin_site.PortalAdminSite"
