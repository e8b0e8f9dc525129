"""Some cells of several grids of one label key, from what the watch last saw: without a request to the API server, and
with as many statements for many grids as for one."""

import time
from collections.abc import Collection, Iterable, Mapping

from django.utils import timezone

from ....core.grids.grid import GridSpec
from ....core.names import child_name
from ....core.ownership.identity import is_ours
from ....core.pods import PodView
from ....core.traffic.closure import UNKNOWN
from ....core.units import NodeView, units_of
from ....models import Grid, GridUnit, Pod
from ....models.statements import read_json, returned
from .observation import Body, Observation

Place = tuple[str, str, str]  # kind, namespace and name of a child


def observe_cells(
    label: str, specs: Mapping[Grid, GridSpec], wanted: Mapping[Grid, Collection[str]]
) -> list[Observation]:
    """What each of these grids of workloads has in its `wanted` NodeUnits, in as few statements as for one of them."""
    names = {unit for units in wanted.values() for unit in units}
    units = units_of(_nodes(label, names), label)
    cells: dict[int, dict[str, GridUnit]] = {grid.pk: {} for grid in wanted}
    for row in GridUnit.objects.filter(grid__in=[grid.pk for grid in wanted], name__in=names):
        cells[row.grid_id][row.name] = row
    places = {grid: [_place(grid, unit) for unit in sorted(units)] for grid, units in wanted.items()}
    live = _children({place for several in places.values() for place in several})
    pods = _pods(live.keys())
    at, answered = timezone.now(), time.monotonic()
    seen = []
    for grid, chosen in wanted.items():
        there = {name: units[name] for name in sorted(chosen) if name in units}
        its = specs[grid].its(there)
        mine = [live[place] for place in places[grid] if place in live]
        own = [place for place in places[grid] if place in live and is_ours(live[place], grid.owner)]
        seen.append(
            Observation(
                grid=grid,
                spec=specs[grid],
                resource=None,
                units=its,
                cells={name: row for name, row in cells[grid.pk].items() if name in chosen},
                live=mine,
                pods=tuple(pod for place in own for pod in pods.get(place, ())),
                can=UNKNOWN,
                reach=None,
                at=at,
                answered=answered,
                left_out=there.keys() - its.keys(),
            )
        )
    return seen


def _place(grid: Grid, unit: str) -> Place:
    kind = grid.grid_kind.child_kind
    return kind, grid.namespace, child_name(grid.name, kind, unit)


def _nodes(label: str, names: Collection[str]) -> list[NodeView]:
    rows = returned(_NODES, label=label, names=list(names))
    return [NodeView(name, read_json(labels), ready) for name, labels, ready in rows]


_NODES = """
    SELECT name, labels, ready FROM sgportal_node WHERE cluster_id = %(cluster)s AND id IN (
        SELECT node_id FROM sgportal_nodelabel WHERE key = %(label)s AND value = ANY(%(names)s) AND value <> ''
    ) ORDER BY name
"""


def _among(places: Iterable[Place]) -> tuple[set[str], set[str], set[str]]:
    """The kinds, the namespaces and the names of these."""
    kinds, namespaces, names = zip(*places, strict=True)
    return set(kinds), set(namespaces), set(names)


def _children(places: Collection[Place]) -> dict[Place, Body]:
    kinds, namespaces, names = _among(places)
    rows = returned(_CHILDREN, kinds=list(kinds), namespaces=list(namespaces), names=list(names))
    found = {(kind, namespace, name): body for kind, namespace, name, body in rows}
    return {place: read_json(found[place]) for place in places if place in found}


_CHILDREN = """
    SELECT kind, namespace, name, body FROM sgportal_child WHERE cluster_id = %(cluster)s
    AND kind = ANY(%(kinds)s) AND namespace = ANY(%(namespaces)s) AND name = ANY(%(names)s)
"""


def _pods(places: Collection[Place]) -> dict[Place, list[PodView]]:
    if not places:
        return {}
    kinds, namespaces, names = _among(places)
    found: dict[Place, list[PodView]] = {}
    for pod in Pod.objects.filter(child_kind__in=kinds, namespace__in=namespaces, child__in=names):
        found.setdefault((pod.child_kind, pod.namespace, pod.child), []).append(pod.view())
    return found
