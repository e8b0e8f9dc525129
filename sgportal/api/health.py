"""Whether this process lives, and whether it can serve. Rows tell; nobody asks Celery or the cluster."""

from datetime import timedelta
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ..models import Heartbeat
from ..queries.freshness import freshness
from . import shapes

ALIVE = timedelta(seconds=60)
_migrated: list[bool] = []  # once migrated a process stays so; asking each time would read every migration file


def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return _json({"status": "ok"}, 200)


def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when pages can be served: the database answers and is migrated. It also says how fresh the news is and
    which processes live, which does not make it unready: pages show old news with its age."""
    try:
        checks: dict[str, Any] = {"database": "ok", "migrations": "ok" if _is_migrated() else "missing"}
        if checks["migrations"] == "ok":
            checks["cluster"] = shapes.freshness(freshness())
            checks["processes"] = _processes()
    except DatabaseError:
        checks = {"database": "unreachable"}
    ready = checks.get("migrations") == "ok"
    return _json({"status": "ok" if ready else "unready", "checks": checks}, 200 if ready else 503)


def _is_migrated() -> bool:
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    return True


def _processes() -> dict[str, int]:
    """How many processes of each kind have said lately that they live."""
    found: dict[str, int] = {}
    for kind in Heartbeat.objects.filter(at__gt=timezone.now() - ALIVE).values_list("kind", flat=True):
        found[kind] = found.get(kind, 0) + 1
    return found


def _json(body: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), "application/json", status, headers={"Cache-Control": "no-store"})
