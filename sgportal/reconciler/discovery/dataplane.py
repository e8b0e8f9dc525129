"""The cluster's data plane: looking what it is, trying whether hints for nodes are kept, and remembering both.

`Inspector.look` asks the cluster and touches no row; `note` writes what was seen and wakes the ServiceGrids where that
changed. The rules are in `core.dataplane`.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from ...cluster import Cluster, Refused
from ...cluster.kinds import CALICO, RESOURCES, Resource
from ...core.traffic.dataplane import (
    CILIUM,
    OTHERS,
    Answer,
    Plane,
    Trial,
    calico,
    cilium,
    groups_refused,
    other,
    survived,
    trial_slice,
)
from ...models import DataPlane, Grid
from ..queue import change_log, workqueue

JOURNAL_KEY = "dataplane"
TRIAL_SECONDS = 3600.0
AGAIN_SECONDS = 60.0  # after a trial that told nothing
_NAMESPACE = "default"  # there is always one of that name
_WORDS = 300


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one look saw; the dry run in it may be older."""

    plane: Plane
    trial: Trial
    looked_at: datetime
    tried_at: datetime


class Inspector:
    """Looks at the data plane each time, and tries hints for nodes now and then: at first, where the server's version
    changed, and after an hour."""

    def __init__(self) -> None:
        self._tried: tuple[Trial, datetime] | None = None
        self._version = ""
        self._again_at = 0.0

    def look(self, cluster: Cluster, version: str) -> Inspection:
        """Look; one to three requests, and the dry run. Raises ClusterError where that told nothing at all."""
        plane = _plane(cluster)
        if self._tried is None or version != self._version or time.monotonic() >= self._again_at:
            self._tried, self._version = (_try(cluster), timezone.now()), version
            pause = AGAIN_SECONDS if self._tried[0].kept is None else TRIAL_SECONDS
            self._again_at = time.monotonic() + pause
        trial, tried_at = self._tried
        return Inspection(plane, trial, timezone.now(), tried_at)


def _plane(cluster: Cluster) -> Plane:
    try:
        groups = cluster.groups()
    except Refused as error:
        return groups_refused(_words(error))
    if CILIUM in groups:
        return cilium(_read(cluster, RESOURCES["ConfigMap"], "kube-system", "cilium-config"))
    for group, name in OTHERS.items():
        if group in groups:
            return other(name)
    for group, resources in CALICO.items():
        if group in groups:
            return calico(*(_read(cluster, each, "", "default") for each in resources))
    return Plane("kube-proxy")


def _read(cluster: Cluster, resource: Resource, namespace: str, name: str) -> Answer:
    try:
        return Answer(cluster.get(resource, namespace, name))
    except Refused as error:
        return Answer(refused=_words(error))


def _try(cluster: Cluster) -> Trial:
    """A server that does not know a field, or may not have it so, says which (400, 422). Any other refusal is about us,
    or about any EndpointSlice."""
    body = trial_slice(_NAMESPACE)
    try:
        return survived(body, cluster.create(body, dry_run=True))
    except Refused as error:
        if error.status >= 500:
            raise  # a webhook that does not answer
        about_hints = error.status in (400, 422) and "hints" in str(error)
        return Trial(False if about_hints else None, _words(error))


def _words(error: Refused) -> str:
    return str(error)[:_WORDS]


def note(seen: Inspection) -> None:
    """Remember a look. Where it saw something new every ServiceGrid is woken, for its plan and its conditions follow.
    Within a transaction, or on its own."""
    if DataPlane.keep(seen.plane, seen.trial, seen.looked_at, seen.tried_at):
        change_log.record("cluster", [JOURNAL_KEY])
        grids = Grid.objects.filter(kind="ServiceGrid").only("kind", "namespace", "name")
        workqueue.enqueue([grid.path for grid in grids], urgent=True)
