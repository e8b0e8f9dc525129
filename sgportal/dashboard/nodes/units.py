"""The tree: NodeGroup (a key), its NodeUnits (values), their nodes, and the nodes that are in none."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from ...core.names import kubelet_may_set
from ...core.status.causes import worst_first
from ...core.traffic.proof.calls import Call, call_of, calls_of
from ...models import Grid, GridUnit, Node, NodeLabel, Pod
from ...models.scopes.current import reading
from ...queries.fleet.causes import causes_of_cells
from ...queries.matrix.node_groups import node_groups
from ...queries.matrix.units import UnitFilter, UnitRow, unit_page
from ...queries.per_unit import usage
from ...queries.per_unit.pods import with_pages
from ..grids.causes import shown
from ..page.access import needs
from ..page.export import MOST, Columns, as_csv, wants_csv
from ..page.parts.loop_picture import drawn_unit
from ..page.render import ROWS, paged, read_page, show, wanted
from ..page.unchanged import unless_unchanged
from .columns import NODES
from .past import unit_then

NAMES = 12
MOST_PODS = 1000
UNIT_COLUMNS: Columns = {
    "group": lambda unit: unit.group,
    "name": lambda unit: unit.name,
    "state": lambda unit: unit.state,
    "nodes": lambda unit: unit.nodes,
    "readyNodes": lambda unit: unit.ready_nodes,
    "podsDesired": lambda unit: unit.pods_desired,
    "podsReady": lambda unit: unit.pods_ready,
}
_GROUP_COLUMNS: Columns = {
    "key": itemgetter("key"),
    "units": itemgetter("units"),
    "nodes": itemgetter("nodes"),
    "readyNodes": itemgetter("ready_nodes"),
}


@needs("viewer", "units")
@unless_unchanged
def groups(request: HttpRequest) -> HttpResponse:
    """Every NodeGroup with its units and nodes counted; Kubernetes' own keys only on demand."""
    asked = wanted(request, "search", "everything")
    rows = [each for each in node_groups(bool(asked["everything"])) if asked["search"].lower() in each["key"].lower()]
    bound: dict[str, int] = {}
    for key in Grid.objects.values_list("key", flat=True):
        bound[key] = bound.get(key, 0) + 1
    if wants_csv(request):
        return as_csv(request, "nodegroups", _GROUP_COLUMNS, rows)
    page = paged(request, [{**each, "grids": bound.get(each["key"], 0)} for each in rows])
    context = {"csv": True, "asked": asked, "page": page, "total": Node.objects.count()}
    return show(request, "nodes/groups.html", context)


@needs("viewer", "units")
@unless_unchanged
def group(request: HttpRequest) -> HttpResponse:
    """One NodeGroup: its NodeUnits with their nodes, and how many nodes have no unit."""
    asked = wanted(request, "key", "search")
    key = asked["key"]
    filtered = UnitFilter(search=asked["search"])

    def read(start: int) -> tuple[Sequence[UnitRow], int]:
        found = unit_page(key, filtered, start=start, limit=ROWS)
        return found.units, found.count

    if wants_csv(request):
        return as_csv(request, "nodeunits", UNIT_COLUMNS, unit_page(key, filtered, limit=MOST).units)
    page = read_page(request, read)
    context = {
        "csv": True,
        "asked": asked,
        "key": key,
        "forgeable": kubelet_may_set(key),
        "page": page,
        "rows": _with_nodes(key, list(page.object_list)),
        "usages": usage.of_units(key, [unit.name for unit in page.object_list]),
        "grids": Grid.objects.filter(key=key),
        "outside": Node.objects.count() - Node.objects.carrying(key).count(),
    }
    return show(request, "nodes/group.html", context)


def _with_nodes(key: str, units: list[UnitRow]) -> list[tuple[UnitRow, list[tuple[str, str]], int]]:
    """Each unit with the names and readiness of its first nodes, and how many more there are."""
    names = [unit.name for unit in units]
    labels = NodeLabel.objects.filter(key=key, value__in=names).order_by("node__name")
    members: dict[str, list[tuple[str, str]]] = {}
    for value, name, ready in labels.values_list("value", "node__name", "node__ready"):
        members.setdefault(value, []).append((name, ready))
    return [(unit, members.get(unit.name, [])[:NAMES], max(0, unit.nodes - NAMES)) for unit in units]


@needs("viewer", "units")
def unit(request: HttpRequest) -> HttpResponse:
    """One NodeUnit: its nodes, and what each grid has there; at the instant `at`, where the URL says one."""
    asked = wanted(request, "key", "unit")
    key, name = asked["key"], asked["unit"]
    if not key or not name:
        raise Http404
    if "at" in request.GET:
        return unit_then(request, key, name)
    found = unit_page(key, UnitFilter(only=name)).units
    here: Any = GridUnit.objects.filter(grid__key=key, name=name).select_related("grid")
    nodes = Node.objects.filter(label_rows__key=key, label_rows__value=name)
    if wants_csv(request):
        return as_csv(request, "nodes", NODES, nodes)
    page = paged(request, nodes)
    calls = [_call(cell) for cell in here if cell.grid.kind == "ServiceGrid"] if found and found[0].nodes else []
    context = {
        "csv": True,
        "key": key,
        "name": name,
        "loops": drawn_unit(name, calls_of(calls)) if calls else None,
        "usage": usage.of_units(key, [name]).get(name),
        "of_cells": usage.in_unit(key, name),
        "of_nodes": usage.of_nodes(node.name for node in page.object_list),
        "unit": found[0] if found else UnitRow(key, name, 0, 0, "Gone", "Gone"),
        "cells": here,
        "causes": shown(worst_first(causes_of_cells(here)), key) if found and found[0].unhealthy else [],
        "cordoned": sum(node.unschedulable for node in page.object_list),
        "page": page,
        "rows": _with_pods(list(page.object_list)),
    }
    return show(request, "nodes/unit.html", context)


def _call(cell: GridUnit) -> Call:
    grid = cell.grid
    is_whole = reading().takes_whole(grid.kind, grid.namespace, grid.key)  # else it is not for them what is elsewhere
    judged = grid.status.get("nodes") if is_whole else None
    return call_of(grid.namespace, grid.name, cell.reason, cell.nodes, cell.served, judged)


def _with_pods(nodes: list[Node]) -> list[tuple[Node, list[Pod]]]:
    """Each node with the pods that run there, of all the first MOST_PODS. Four queries."""
    pods: dict[str, list[Pod]] = {}
    found = Pod.objects.filter(node__in=[node.name for node in nodes]).order_by("namespace", "name")
    columns = ("namespace", "name", "node", "ready", "reason", "terminating", "child_kind", "child", "labels")
    for pod in with_pages(found.only(*columns)[:MOST_PODS]):
        pods.setdefault(pod.node, []).append(pod)
    return [(node, pods.get(node.name, [])) for node in nodes]
