"""Kubernetes' Events of a pod, of what a grid has in a NodeUnit, of a node: a page, and a part of other pages."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from ...actions import Unavailable
from ...core.text import Sentence, say
from ...models import Node
from ...queries.per_unit.pods import pod_at
from ...reconciler.live import objects
from ...reconciler.live.errors import NotAllowed
from ..grids.address import grid_at
from ..page.access import needs
from ..page.render import show

_NO_ANSWER = say("the cluster does not answer: its Events cannot be read now")


@needs("viewer", "grids")
def of_pod(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Those of a pod."""
    found = pod_at(namespace, name)
    if found is None:
        raise Http404
    return _shown(request, name, lambda: objects.pod_events(found[0]))


@needs("viewer", "units")
def of_node(request: HttpRequest, name: str) -> HttpResponse:
    """Those of a node."""
    row = get_object_or_404(Node, name=name)
    return _shown(request, row.name, lambda: objects.node_events(row.name))


@needs("viewer", "grids")
def of_cell(request: HttpRequest, plural: str, namespace: str, name: str, unit: str) -> HttpResponse:
    """Those of the workload of a NodeUnit, its ReplicaSets and its pods."""
    grid = grid_at(plural, namespace, name)
    if not grid.units.filter(name=unit).exists():
        raise Http404
    return _shown(request, f"{name} · {unit}", lambda: objects.cell_events(grid, unit))


def _shown(request: HttpRequest, about: str, read: Callable[[], list[objects.EventView]]) -> HttpResponse:
    problem: Sentence | None = None
    found: list[objects.EventView] = []
    try:
        found = read()
    except NotAllowed as error:
        problem = error.sentence
    except Unavailable:
        problem = _NO_ANSWER
    part = bool(getattr(request, "htmx", None))
    context = {"about": about, "events": found, "problem": problem}
    return show(request, "pods/events.html#table" if part else "pods/events.html", context)
