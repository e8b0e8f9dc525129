"""Kubernetes' Events of a pod, of what a grid has in a NodeUnit, of a node: a page, and a part of other pages."""

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class EventRow:
    """An Event, as a row shows it: when it was last seen (RFC 3339), what it is about."""

    at: str
    type: str
    reason: str
    about: str
    message: str
    count: int
    source: str


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


def _shown(request: HttpRequest, about: str, read: Callable[[], list[objects.Body]]) -> HttpResponse:
    problem: Sentence | None = None
    found: list[objects.Body] = []
    try:
        found = read()
    except NotAllowed as error:
        problem = error.sentence
    except Unavailable:
        problem = _NO_ANSWER
    part = bool(getattr(request, "htmx", None))
    context = {"about": about, "events": [_row(each) for each in found], "problem": problem}
    return show(request, "pods/events.html#table" if part else "pods/events.html", context)


def _row(body: objects.Body) -> EventRow:
    about, source = body.get("involvedObject") or {}, body.get("source") or {}
    return EventRow(
        objects.last_seen(body),
        str(body.get("type") or "Normal"),
        str(body.get("reason") or ""),
        f"{about.get('kind', '')} {about.get('name', '')}",
        str(body.get("message") or ""),
        int((body.get("series") or {}).get("count") or body.get("count") or 1),
        str(source.get("component") or body.get("reportingComponent") or ""),
    )
