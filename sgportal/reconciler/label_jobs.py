"""Writing to nodes: the labels of one at once, or a job on many that survives everything. A zone that is new to closed
Services is announced to them first."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from ..cluster import MERGE_PATCH, Cluster, ClusterError, Conflict, NotFound, Refused
from ..core.names import ANNOUNCED_ZONES, REFUSING_SERVICE, ZONE, child_name
from ..core.node_jobs import EXCLUSIVE, Action, fail, is_another, steps_left
from ..core.text import Sentence, say
from ..core.traffic.slices.hints import hint_names
from ..core.traffic.slices.sentinels import announced_zones
from ..core.traffic.slices.slices import is_kept
from ..models import Grid, LabelJob, Node
from ..models.cache import Slice
from . import node_steps
from .cache import refresh
from .node_steps import Outcome, Task
from .process.connection import cluster as connected
from .process.connection import in_the_name_of, map_parallel
from .queue import change_log

CHUNK = 40
WAIT_SECONDS = 2.0  # until pods that end, or may not be evicted yet, are looked at again
_OVER = (LabelJob.State.DONE, LabelJob.State.FAILED)
NAMED_SECONDS = 8.0  # until a zone that was announced must be named
FOLLOW_SECONDS = 2.0  # until kube-proxies have what was written: they write once a second at most
LOOK_SECONDS = 0.25
ANNOUNCED, ATTEMPTS = 200, 5
_ANOTHER = say("another node has this name by now; it is left alone")
_NAMELESS = say("the cluster cannot be asked in the name of “%(name)s”: %(why)s")


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


def write(
    name: str, changes: Mapping[str, str | None], check: Callable[[str], None] | None = None, author: str = ""
) -> None:
    """Change one node's labels now, in the name of an `author`, and remember the node as it then is. With `check`,
    which raises unless the rows are what somebody agreed to and the node is that of this uid, it is written only as it
    was then. Raises Unavailable, NodeRefused, and ZoneNotNamed where a closed loop could open for a moment."""
    try:
        announce_zone(connected(), changes)
        cluster = in_the_name_of(author, connected())
        body = _patch_checked(cluster, name, changes, check) if check else _patch(cluster, name, changes)
        refresh.observe_nodes([body])
    except (Refused, NotFound, Conflict) as error:
        raise NodeRefused(str(error)) from error
    except ClusterError as error:
        raise Unavailable(error) from error


def _patch(cluster: Cluster, name: str, changes: Mapping[str, str | None], version: str = "") -> dict[str, Any]:
    metadata = {"labels": dict(changes), **({"resourceVersion": version} if version else {})}
    return cluster.patch("Node", "", name, {"metadata": metadata}, MERGE_PATCH)


def _patch_checked(
    cluster: Cluster, name: str, changes: Mapping[str, str | None], check: Callable[[str], None]
) -> dict[str, Any]:
    """No transaction is open while the API server is asked: it would have others wait for as long as that takes. That
    the node is still what the rows say, the API server sees to."""
    for attempt in range(1, ATTEMPTS + 1):
        body = cluster.get("Node", "", name)
        if body is None:
            raise NodeRefused(f"nodes “{name}” not found")
        refresh.observe_nodes([body])
        with transaction.atomic():
            check(body["metadata"]["uid"])
        try:
            return _patch(cluster, name, changes, body["metadata"]["resourceVersion"])
        except Conflict:  # a heartbeat, as a rule
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def run(job_id: str, cluster: Cluster) -> float | None:
    """Carry out what is left of a job; nodes that are done stay done. Seconds until it is looked at again, where it
    waits for pods to end or for another job. Raises Unreachable or Throttled, after saving how far it got, so that the
    rest is tried again."""
    job = LabelJob.objects.filter(pk=job_id).first()
    if job is None or job.over:
        return None
    if job.undoes and LabelJob.objects.filter(pk=job.undoes).exclude(state__in=_OVER).exists():
        return WAIT_SECONDS
    try:
        theirs = in_the_name_of(job.author, cluster)
    except Refused as error:  # no header can carry the name, now or later
        _give_up(job, _NAMELESS.having(name=job.author, why=str(error)))
        _finish(job)
        return None
    job.state = LabelJob.State.RUNNING
    pending = _announced(job, cluster, [name for name, each in job.results.items() if each["state"] == "pending"])
    for start in range(0, len(pending), CHUNK):
        if _is_stopped(job):
            break
        tasks = _tasks(job, pending[start : start + CHUNK])
        outcomes = map_parallel(partial(node_steps.carry_out, cluster, theirs), tasks)
        _save(job, dict(zip((task.node for task in tasks), outcomes, strict=True)))
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
    if _is_stopped(job):
        _give_up(job, say("stopped before it was done"))
    elif any(result["state"] == "pending" for result in job.results.values()):
        return WAIT_SECONDS
    _finish(job)
    return None


def _is_stopped(job: LabelJob) -> bool:
    return LabelJob.objects.filter(pk=job.pk, stopped=True).exists()


def _give_up(job: LabelJob, why: Sentence) -> None:
    for result in job.results.values():
        if result["state"] == "pending":
            fail(result, why)


def _finish(job: LabelJob) -> None:
    failed = any(result["state"] == "failed" for result in job.results.values())
    job.state = LabelJob.State.FAILED if failed else LabelJob.State.DONE
    job.finished_at = timezone.now()
    _keep(job)


def _keep(job: LabelJob) -> None:
    """Save how far a job is; whether it was stopped meanwhile is somebody else's to say."""
    job.save(update_fields=["results", "state", "finished_at"])
    change_log.record("job", [str(job.pk)])


def _announced(job: LabelJob, cluster: Cluster, pending: list[str]) -> list[str]:
    """The nodes whose new zone, if they have one, is named by sentinels; the others fail. Raises ClusterError."""
    refused: dict[str | None, Sentence] = {}
    for zone in {job.changes_of(name).get(ZONE) for name in pending} - {None}:
        try:
            announce_zone(cluster, {ZONE: zone})
        except ZoneNotNamed as error:
            refused[zone] = error.sentence
    for name in pending:
        if (zone := job.changes_of(name).get(ZONE)) in refused:
            fail(job.results[name], refused[zone])
    return [name for name in pending if job.results[name]["state"] == "pending"]


def _tasks(job: LabelJob, names: list[str]) -> list[Task]:
    """What is left to do to these nodes. Three queries."""
    action = cast(Action, job.action)
    found = {node.name: node for node in Node.objects.filter(name__in=names)}
    keys = {key for name in names for key in job.changes_of(name)} if action == "move" else None
    concerned = node_steps.workloads(keys) if action in ("move", "drain") else frozenset()
    tasks = []
    for name in names:
        node, record = found.get(name), job.results[name]
        if node is not None and is_another(record, action, node.uid):
            fail(record, _ANOTHER)
            continue
        ready = node is None or node.ready == "Ready"
        uid = record.get("uid", "") if action in EXCLUSIVE else ""
        task = Task(name, steps_left(action, record), job.changes_of(name), concerned, ready, uid)
        tasks.append(node_steps.without_needless(task, node) if action == "move" else task)
    return tasks


def _save(job: LabelJob, outcomes: Mapping[str, Outcome]) -> None:
    for name, outcome in outcomes.items():
        result = job.results[name]
        if outcome.left:
            result.update(step=outcome.left[0], waiting=outcome.waiting.to_json() if outcome.waiting else None)
        elif outcome.failed:
            fail(result, outcome.failed)
        else:
            result.update(state="done", waiting=None)
    refresh.observe_nodes([outcome.body for outcome in outcomes.values() if outcome.body])
    _keep(job)


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
