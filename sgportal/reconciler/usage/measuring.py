"""Asking what nodes and pods use: Prometheus where there is one, else the resource metrics API (metrics.k8s.io:
metrics-server, or an adapter).

Every SGPORTAL_USAGE_SECONDS, by some worker: no page and no row asks for itself. The resource metrics API has no watch,
no pages and no versions, so its two lists, of nodes and of pods, come whole.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from ...cluster import Cluster, NotFound, Refused, Unreachable
from ...cluster.kinds import Resource
from ...core.grids.kinds import KINDS
from ...core.text import Sentence, say
from ...core.usage.measure import Amount, NodeSample, PodSample, amount_of, nodes_in, pods_in, sums
from ...core.usage.ring import POINTS, pushed, slot_of
from ...models import CellUsage, GridUnit, Node, NodeLabel, NodeUsage, Pod, PodUsage, UnitUsage, UsageSource
from ...models.bulk import upsert_rows
from ...models.usage import MEASURED, Measured
from ...queries.matrix.node_groups import group_keys
from ...queries.per_unit.usage import is_measured
from ..queue import change_log
from . import prometheus

GROUP = "metrics.k8s.io"
NODES = Resource("NodeMetrics", f"{GROUP}/v1beta1", "nodes", namespaced=False)
PODS = Resource("PodMetrics", f"{GROUP}/v1beta1", "pods")
OFF_SECONDS = 600.0
REST_SECONDS = 60.0  # while everything stops
ALIVE_SECONDS = 5.0  # in which an API server that lives tells its version
SHARE = 20.0  # a look that took so long is followed by a pause of so many times that
ROWS = 500  # of which the rings are held at a time
_VALUES = ("at", "cpu", "memory", "cpu_total", "memory_total", "cpu_ring", "memory_ring")
NOT_SERVED = say("the cluster serves no resource metrics (metrics.k8s.io): metrics-server is not installed")
NOT_ALLOWED = say("the portal may not list resource metrics (metrics.k8s.io): apply deploy/usage.yaml")
NO_ANSWER = say("the resource metrics API (metrics.k8s.io) does not answer: see the APIService v1beta1.metrics.k8s.io")
Key = tuple[str, ...]
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


def look(connect: Callable[[], Cluster]) -> float:
    """Measure once and keep it; seconds until the next time. What was not measured for as long as is kept of anything
    is forgotten. Raises ClusterError where the cluster itself cannot be reached; it is not even connected to where the
    setting is off."""
    if not is_measured():
        _forget(timezone.now())
        return OFF_SECONDS
    begun, every = time.monotonic(), settings.SGPORTAL_USAGE_SECONDS
    try:
        problem = _ask_prometheus() if settings.SGPORTAL_PROMETHEUS_URL else _measure(connect())
    finally:  # what is old is so whether or not anything answers
        now = timezone.now()
        _forget(now - timedelta(seconds=every * POINTS))
    pause = max(float(every), SHARE * (time.monotonic() - begun))
    UsageSource.keep(None if problem else now, problem, pause)
    change_log.record("usage", [""])
    return pause


def _ask_prometheus() -> Sentence | None:
    """Keep what Prometheus says; why it says nothing."""
    try:
        nodes, pods = prometheus.measured()
    except prometheus.Unmeasured as error:
        return error.sentence
    keep(nodes, pods, timezone.now())
    return None


def _measure(cluster: Cluster) -> Sentence | None:
    """Read both lists and keep what they say; why it could not be done, where the API server answers and this part of
    it does not."""
    try:
        nodes = list(nodes_in(_items(cluster, NODES)))
        pods = list(pods_in(_items(cluster, PODS)))
    except NotFound:
        return NOT_SERVED
    except Refused:
        return NOT_ALLOWED
    except Unreachable as error:
        if not error.status:  # nobody answers: this part of the API server alone, if that has its version to tell
            cluster.version(seconds=ALIVE_SECONDS)
        return NO_ANSWER
    keep(nodes, pods, timezone.now())
    return None


def _items(cluster: Cluster, resource: Resource) -> Iterable[Mapping[str, Any]]:
    return (item for page in cluster.pages(resource) for item in page.items)


def keep(nodes: Iterable[NodeSample], pods: Iterable[PodSample], now: datetime) -> None:
    """Keep what nodes and pods use now, and what that comes to: of each NodeUnit, of each cell and of each grid. A
    fixed number of statements, and two for every few hundred rows."""
    given = _allocatable()
    used = {each.name: each.amount for each in nodes if each.name in given}
    totals = {name: given[name] for name in used}
    labels = NodeLabel.objects.filter(key__in=group_keys()).exclude(value="")
    units: list[tuple[str, Key]] = [
        (name, (key, value)) for name, key, value in labels.values_list("node__name", "key", "value")
    ]
    _write(NodeUsage, ("node",), _keyed(used), now, _keyed(totals))
    of_units, may_use = (_of_units(amounts, units) for amounts in (used, totals))
    _write(UnitUsage, ("key", "unit"), of_units, now, may_use)
    _keep_pods({(each.namespace, each.name): each.amount for each in pods}, now)


def _keyed(amounts: Mapping[str, Amount]) -> dict[Key, Amount]:
    return {(name,): amount for name, amount in amounts.items()}


def _of_units(amounts: Mapping[str, Amount], units: Iterable[tuple[str, Key]]) -> dict[Key, Amount]:
    return sums((unit, amounts[name]) for name, unit in units if name in amounts)


def _allocatable() -> dict[str, Amount]:
    """What each node, as last seen, may give to pods; nothing where it does not say."""
    rows = Node.objects.values_list("name", "info__allocatable")
    return {name: amount_of(resources) or Amount() for name, resources in rows}


def _keep_pods(used: Mapping[Key, Amount], now: datetime) -> None:
    """Keep what the pods of cells use, each and together. Of other pods nothing is kept."""
    cells = _cells()
    columns = ("namespace", "name", "node", "child_kind", "child")
    known: dict[Key, Amount] = {}
    places: dict[Key, Mapping[str, str]] = {}
    parts: list[tuple[Key, Amount]] = []
    keys: dict[Key, Mapping[str, str]] = {}
    for row in Pod.objects.exclude(child="").order_by().values_list(*columns).iterator(chunk_size=2000):
        place, (node, kind, child) = row[:2], row[2:]
        cell = cells.get((place[0], kind, child))
        if cell is None or place not in used:
            continue
        known[place], places[place] = used[place], {"node": node, "child_kind": kind, "child": child}
        for unit in (cell.unit, ""):
            key = (cell.kind, place[0], cell.name, unit)
            keys[key] = {"key": cell.key}
            parts.append((key, used[place]))
    _write(PodUsage, ("namespace", "name"), known, now, more=places)
    _write(CellUsage, ("kind", "namespace", "name", "unit"), sums(parts), now, more=keys)


class _Cell(NamedTuple):
    kind: str
    name: str
    key: str
    unit: str


def _cells() -> dict[tuple[str, str, str], _Cell]:
    """By namespace, kind and name of a workload the cell that it is of."""
    columns = ("grid__kind", "grid__namespace", "grid__name", "grid__key", "name", "child")
    rows = GridUnit.objects.exclude(child="").exclude(name="").order_by().values_list(*columns)
    return {
        (namespace, KINDS[kind].child_kind, child): _Cell(kind, name, key, unit)
        for kind, namespace, name, key, unit, child in rows.iterator(chunk_size=2000)
    }


def _write(
    model: Any,
    names: tuple[str, ...],
    used: Mapping[Key, Amount],
    now: datetime,
    totals: Mapping[Key, Amount] = _NOTHING,
    more: Mapping[Key, Mapping[str, str]] = _NOTHING,
) -> None:
    """Keep these amounts, by the values of the fields `names`; `more` are other fields of the same rows."""
    others, places = sorted(next(iter(more.values()), _NOTHING)), sorted(used)
    for begin in range(0, len(places), ROWS):
        some = places[begin : begin + ROWS]
        wanted = {f"{name}__in": {place[at] for place in some} for at, name in enumerate(names)}
        before = {tuple(getattr(row, name) for name in names): row for row in model.objects.filter(**wanted)}
        rows: list[Measured] = []
        for place in some:
            row = before.get(place) or model(**dict(zip(names, place, strict=True)))
            _set(row, used[place], totals.get(place, Amount()), now)
            for name, text in more.get(place, _NOTHING).items():
                setattr(row, name, text)
            rows.append(row)
        upsert_rows(rows, (*names, "cluster"), [*_VALUES, *others])


def _set(row: Measured, used: Amount, total: Amount, now: datetime) -> None:
    passed = _slot(now) - _slot(row.at) if row.at else 0
    row.at, row.cpu, row.memory = now, used.millicores, used.mebibytes
    row.cpu_ring, row.memory_ring = pushed(row.cpu_ring, row.cpu, passed), pushed(row.memory_ring, row.memory, passed)
    row.cpu_total, row.memory_total = total.millicores, total.mebibytes


def _slot(when: datetime) -> int:
    return slot_of(when.timestamp(), settings.SGPORTAL_USAGE_SECONDS)


def _forget(before: datetime) -> None:
    """Remove what was not measured since."""
    for model in MEASURED:
        model.objects.filter(at__lt=before).delete()
