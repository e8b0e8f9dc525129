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
    row.halted_at = row.halted_at if row.halt == reason else timezone.now()
    row.halt, row.facts = reason, dict(facts)
    row.save()
    _tell("stop", {"halt": reason, **facts})
    log.error("nothing more is written to the cluster: %s", why(reason, facts))


def end(reason: Reason) -> None:
    """What stopped everything is no more so: go on. Within a transaction."""
    row = ManagedCluster.locked()
    if row.halt != reason:
        return
    row.halt, row.halted_at, row.facts = "", None, {}
    row.save()
    _tell("resume", {"halt": reason})
    log.warning("the portal writes to the cluster again: %s is over", reason)
    wake()


def wake() -> None:
    """Have everything that waited looked at now."""
    workqueue.request([grid.path for grid in Grid.objects.only("kind", "namespace", "name")], urgent=True)
    workqueue.hurry()


def _tell(verb: str, after: Mapping[str, Any]) -> None:
    AuditEvent.objects.create(actor="sgportal", door="cluster", verb=verb, path="cluster", after=dict(after))
    change_log.record("cluster", [CHANGE_LOG_KEY])
