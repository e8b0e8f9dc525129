"""Writing labels to nodes: one at once, or many as a job that survives everything. A zone that is new to closed
Services is announced to them first."""

import json
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from ..cluster import MERGE_PATCH, Cluster, ClusterError, Conflict, NotFound, Refused, Throttled, Unreachable
from ..core.names import ANNOUNCED_ZONES, REFUSING_SERVICE, ZONE, child_name
from ..core.text import Sentence, say
from ..core.traffic.slices.hints import hint_names
from ..core.traffic.slices.sentinels import announced_zones
from ..core.traffic.slices.slices import is_kept
from ..models import Grid, LabelJob
from ..models.cache import Slice
from .cache import refresh
from .process.connection import cluster as connected
from .process.connection import map_parallel
from .queue import change_log

CHUNK = 40
NAMED_SECONDS = 8.0  # until a zone that was announced must be named
FOLLOW_SECONDS = 2.0  # until kube-proxies have what was written: they write once a second at most
LOOK_SECONDS = 0.25
ANNOUNCED, ATTEMPTS = 200, 5


class Unavailable(Exception):
    """The cluster cannot be reached now; `retry_after` says in how many seconds to try again."""

    def __init__(self, error: ClusterError) -> None:
        super().__init__(str(error))
        self.retry_after = error.retry_after or 5.0


class NodeRefused(Exception):
    """The cluster will not take the change."""


class ZoneNotNamed(Exception):
    """Sentinels do not name the zone that a node is to have."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def write(name: str, changes: Mapping[str, str | None]) -> None:
    """Change one node's labels now and remember the node as it then is. Raises Unavailable, NodeRefused, and
    ZoneNotNamed where a closed loop could open for a moment."""
    try:
        announce_zone(connected(), changes)
        body = _patch(connected(), name, changes)
    except (Refused, NotFound, Conflict) as error:
        raise NodeRefused(str(error)) from error
    except ClusterError as error:
        raise Unavailable(error) from error
    refresh.observe_nodes([body])


def _patch(cluster: Cluster, name: str, changes: Mapping[str, str | None]) -> dict[str, Any]:
    return cluster.patch("Node", "", name, {"metadata": {"labels": dict(changes)}}, MERGE_PATCH)


def run(job_id: str, cluster: Cluster) -> None:
    """Carry out what is left of a job, node by node; done nodes stay done. Raises Unreachable or Throttled, after
    saving how far it got, so that the rest is tried again."""
    job = LabelJob.objects.filter(pk=job_id).first()
    if job is None or job.state in (LabelJob.State.DONE, LabelJob.State.FAILED):
        return
    job.state = LabelJob.State.RUNNING
    pending = [name for name, result in job.results.items() if result["state"] == "pending"]
    try:
        announce_zone(cluster, job.changes)
    except ZoneNotNamed as error:
        for name in pending:
            job.results[name].update(state="failed", detail=str(error))
        pending = []
    for start in range(0, len(pending), CHUNK):
        chunk = pending[start : start + CHUNK]
        outcomes = map_parallel(lambda name: _attempt(cluster, name, job.changes), chunk)
        _save(job, dict(zip(chunk, outcomes, strict=True)))
        for outcome in outcomes:
            if isinstance(outcome, Unreachable | Throttled):
                raise outcome
    failed = any(result["state"] == "failed" for result in job.results.values())
    job.state = LabelJob.State.FAILED if failed else LabelJob.State.DONE
    job.finished_at = timezone.now()
    job.save()
    change_log.record("job", [str(job.pk)])


def _attempt(cluster: Cluster, name: str, changes: Mapping[str, str | None]) -> dict[str, Any] | ClusterError:
    try:
        return _patch(cluster, name, changes)
    except ClusterError as error:
        return error


def _save(job: LabelJob, outcomes: Mapping[str, dict[str, Any] | ClusterError]) -> None:
    bodies = [outcome for outcome in outcomes.values() if isinstance(outcome, dict)]
    for name, outcome in outcomes.items():
        if isinstance(outcome, dict):
            job.results[name]["state"] = "done"
        elif not isinstance(outcome, Unreachable | Throttled):
            job.results[name].update(state="failed", detail=str(outcome))
    refresh.observe_nodes(bodies)
    job.save()
    change_log.record("job", [str(job.pk)])


def announce_zone(cluster: Cluster, changes: Mapping[str, str | None]) -> None:
    """Before nodes are labelled with a zone: have sentinels of every closed Service name it, and kube-proxies follow. A
    kube-proxy knows its node's new zone at once. Does nothing where they name it already. Raises ClusterError, and
    ZoneNotNamed where no keeper writes that within NAMED_SECONDS."""
    zone = changes.get(ZONE)
    if not zone or not _lacking(zone):
        return
    _announce(cluster, zone)
    until = time.monotonic() + NAMED_SECONDS
    while lacking := _lacking(zone):
        if time.monotonic() > until:
            raise ZoneNotNamed(
                say(
                    "the EndpointSlices of %(service)s do not name zone “%(zone)s” yet, so that calls could leave "
                    "their NodeUnit; are a keeper and a watch running?",
                    service=lacking[0],
                    zone=zone,
                )
            )
        time.sleep(LOOK_SECONDS)
    time.sleep(FOLLOW_SECONDS)


def _lacking(zone: str) -> list[str]:
    """The closed Services whose slices do not name a zone, by what was last seen. One that has none opens nothing."""
    closed = Grid.objects.filter(kind="ServiceGrid", status__closure__in=("strict", "failover"))
    places = {(each.namespace, child_name(each.name, "Service", "")) for each in closed.only("namespace", "name")}
    named: dict[tuple[str, str, str], bool] = {}
    for each in Slice.objects.filter(service__in={name for _, name in places}).iterator():
        if (each.namespace, each.service) in places and is_kept(each.body):
            family = (each.namespace, each.service, each.body.get("addressType") or "")
            endpoints = each.body.get("endpoints") or ()
            here = any(zone in hint_names(endpoint, "forZones") for endpoint in endpoints)
            named[family] = named.get(family, False) or here
    return sorted({f"{namespace}/{service}" for (namespace, service, _), here in named.items() if not here})


def _announce(cluster: Cluster, zone: str) -> None:
    """Say on the refusing Service that a node will have this zone; the keeper follows it."""
    place = ("Service", settings.SGPORTAL_NAMESPACE, REFUSING_SERVICE)
    for _ in range(ATTEMPTS):
        service = cluster.get(*place)
        if service is None:
            return
        zones = sorted({**announced_zones(service), zone: time.time()}.items(), key=lambda each: -each[1])
        text = json.dumps(dict(zones[:ANNOUNCED]), separators=(",", ":"))
        metadata = {
            "resourceVersion": service["metadata"]["resourceVersion"],
            "annotations": {ANNOUNCED_ZONES: text},
        }
        try:
            cluster.patch(*place, {"metadata": metadata}, MERGE_PATCH)
        except Conflict:
            continue
        return
