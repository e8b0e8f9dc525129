"""Stopping everything, and going on: in the row that every process asks before it writes or forgets."""

import logging
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from ...core.fleet.halt import ANOTHER_CLUSTER, Reason, why
from ...models import AuditEvent, Grid, ManagedCluster
from ..queue import change_log, workqueue

log = logging.getLogger(__name__)
CHANGE_LOG_KEY = "fleet"


def begin(reason: Reason, facts: Mapping[str, Any]) -> None:
    """Stop every write and all forgetting until `end` or a person's decision. That the cluster is another one goes
    before any other reason. Within a transaction."""
    row = ManagedCluster.locked()
    if row.halt not in ("", reason) and reason != ANOTHER_CLUSTER:
        return  # the first reason stands
    if (row.halt, row.facts) == (reason, dict(facts)):
        return
    known, row.halt, row.facts = row.halt == reason, reason, dict(facts)
    row.halted_at = row.halted_at if known else timezone.now()
    row.save()
    change_log.record("cluster", [CHANGE_LOG_KEY])
    if known:
        return
    _tell("stop", {"halt": reason, **facts})
    log.error("nothing more is written to the cluster: %s", why(reason, facts))


def count(reason: Reason, name: str, value: int) -> None:
    """What everything stops for has become more or less. Within a transaction."""
    row = ManagedCluster.now()
    if row.halt == reason and row.facts.get(name) != value:
        begin(reason, {**row.facts, name: value})


def end(reason: Reason, **facts: Any) -> None:
    """What stopped everything is no more so: go on, if it was by these facts. Within a transaction."""
    row = ManagedCluster.now()
    if row.halt != reason or any(row.facts.get(name) != value for name, value in facts.items()):
        return
    row = ManagedCluster.locked()
    if row.halt != reason:
        return
    row.halt, row.halted_at, row.facts = "", None, {}
    row.save()
    change_log.record("cluster", [CHANGE_LOG_KEY])
    _tell("resume", {"halt": reason})
    log.warning("the portal writes to the cluster again: %s is over", reason)
    wake()


def wake() -> None:
    """Have everything that waited looked at now."""
    workqueue.enqueue([grid.path for grid in Grid.objects.only("kind", "namespace", "name")], urgent=True)
    workqueue.retry_all()


def _tell(verb: str, after: Mapping[str, Any]) -> None:
    AuditEvent.objects.create(actor="sgportal", door="cluster", verb=verb, path="cluster", after=dict(after))
