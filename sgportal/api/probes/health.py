"""Whether this process lives, and whether it can serve. Rows tell; nobody asks Celery or the cluster."""

from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from ...queries.freshness import freshness
from ...reconciler.process import heartbeat
from ..cluster.serializers import FreshnessSerializer

NO_WORKER = "none lives: nothing is reconciled until one is started (manage.py worker)"
_migrated: list[bool] = []  # once migrated a process stays so; asking each time would read every migration file


def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return _json({"status": "ok"}, 200)


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the portal does its work: the database answers and is migrated, and a worker lives. As with Kubernetes'
    own `/readyz`, `?exclude=workers` leaves a check out: for whoever asks whether this process can serve pages, which
    show old news with its age. Freshness, processes and broker are told and make nothing unready."""
    excluded = set(request.GET.getlist("exclude"))
    try:
        checks: dict[str, Any] = {"database": "ok", "migrations": "ok" if _is_migrated() else "missing"}
        if checks["migrations"] == "ok":
            processes = heartbeat.count()
            checks["cluster"] = FreshnessSerializer.of(freshness())
            checks["processes"] = processes
            if shards := heartbeat.shards():
                checks["shards"] = shards
            checks["workers"] = "ok" if processes["worker"] else NO_WORKER
            checks["broker"] = heartbeat.broker()
    except DatabaseError:
        checks = {"database": "unreachable"}
    needed = {"database", "migrations", "workers"} - excluded
    ready = all(checks.get(name) == "ok" for name in needed)
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


def _json(body: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), "application/json", status, headers={"Cache-Control": "no-store"})
