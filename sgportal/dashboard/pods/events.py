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
from ..page.export import Columns, as_csv, wants_csv
from ..page.render import show

_NO_ANSWER = say("the cluster does not answer: its Events cannot be read now")

_COLUMNS: Columns = {
    "lastSeen": lambda event: event.last_timestamp,
    "type": lambda event: event.type,
    "reason": lambda event: event.reason,
    "message": lambda event: event.message,
    "kind": lambda event: event.involved_object["kind"],
    "namespace": lambda event: event.involved_object["namespace"],
    "name": lambda event: event.involved_object["name"],
    "count": lambda event: event.count,
    "source": lambda event: event.reporting_component,
}


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
    csv = wants_csv(request)
    if csv and problem is None:
        return as_csv(request, "kubernetes-events", _COLUMNS, found)
    part = bool(getattr(request, "htmx", None))
    context = {"about": about, "events": found, "problem": problem}
    template = "pods/events.html#table" if part else "pods/events.html"
    return show(request, template, context, status=503 if csv else 200)
