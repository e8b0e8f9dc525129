"""Nodes: the list with its filters, and one node."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from ...core.names import protected_label_problem
from ...core.text import Invalid
from ...models import Grid, Node, Pod
from ...queries.matrix.node_groups import group_keys
from ...queries.nodes import select_nodes
from ...queries.per_unit import usage
from ...queries.per_unit.pods import with_pages
from ..grids.columns import PODS
from ..page.access import needs
from ..page.export import as_csv, wants_csv
from ..page.render import paged, show, wanted
from ..page.unchanged import unless_unchanged_for_one
from .columns import NODES

FILTERS = ("selector", "group", "unit", "ready", "search")


def find(asked: dict[str, str]) -> Any:
    """The nodes that the filters of the list select. Raises Invalid for a bad selector."""
    return select_nodes(asked["selector"], asked["group"], asked["unit"], asked["ready"], asked["search"])


@needs("viewer", "units")
@unless_unchanged_for_one
def nodes(request: HttpRequest) -> HttpResponse:
    """The nodes that meet every filter of the URL, 100 a page."""
    asked = wanted(request, *FILTERS, "key")
    problems: Any = ()
    try:
        found = find(asked)
    except Invalid as invalid:
        found, problems = Node.objects.none(), invalid.problems
    if wants_csv(request):
        return as_csv(request, "nodes", NODES, found)
    page = paged(request, found)
    context = {
        "csv": True,
        "asked": asked,
        "problems": problems,
        "page": page,
        "rows": _with_pods(list(page.object_list)),
        "groups": group_keys(),
        "total": Node.objects.count(),
    }
    return show(request, "nodes/list.html", context)


def _with_pods(rows: list[Node]) -> list[tuple[Node, dict[str, int], list[tuple[str, str]]]]:
    """Each node with its pods counted and the labels people gave it."""
    pods = Pod.objects.filter(node__in=[node.name for node in rows]).order_by().values("node")
    counted = pods.annotate(pods=Count("pk"), ready=Count("pk", filter=Q(ready=True)))
    counts = {each["node"]: each for each in counted}
    none = {"pods": 0, "ready": 0}
    return [(node, counts.get(node.name, none), own_labels(node)) for node in rows]


def own_labels(node: Node) -> list[tuple[str, str]]:
    """The labels of a node that a person may change, in order."""
    return sorted((key, value) for key, value in node.labels.items() if protected_label_problem(key) is None)


@needs("viewer", "units")
def node(request: HttpRequest, name: str) -> HttpResponse:
    """One node: its units, labels, taints, conditions and pods."""
    found = get_object_or_404(Node, name=name)
    pods = Pod.objects.filter(node=name)
    if wants_csv(request):
        return as_csv(request, f"{name}-pods", PODS, pods)
    keys = {*Grid.objects.exclude(key="").values_list("key", flat=True)}
    labels = own_labels(found)
    shown = with_pages(pods[:500])
    context = {
        "node": found,
        "usage": usage.of_nodes([name]).get(name),
        "usages": usage.of_pods(shown),
        "units": [(key, value) for key, value in labels if key in keys and value],
        "labels": labels,
        "system": sorted(item for item in found.labels.items() if item not in labels),
        "pods": shown,
    }
    return show(request, "nodes/one.html", context)
