"""Pods of grids, what Kubernetes says of them, and their logs."""

from django.db import connections
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.utils.translation import get_language
from rest_framework import renderers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.containers.view import containers_of, most_telling
from ...core.grids.kinds import BY_PLURAL
from ...core.text import Invalid, Problem, one_of, say
from ...models import Grid, Node, Pod
from ...queries.per_unit.pods import NO_LOGS, PodCell, log_role, pod_at, pods_of_cells
from ...reconciler.live import logs, objects
from ..description.operations import PAGED, Parameter, operation, page
from ..events.seating import seated
from ..events.seats import Streams
from ..http.problems import Refusal
from ..views import PortalView
from .serializers import KubernetesEventsSerializer, PodRowSerializer, PodSerializer, Seen

GRID = Parameter("grid", "The workload grid, such as `deploymentgrids/default/web`.", required=True)
UNIT = Parameter("unit", "Only pods of this NodeUnit.")
OF_UNIT = Parameter("unit", "The NodeUnit.", required=True)
CONTAINER = Parameter("container", "The container; where left out, one that fails, else the first.")
_FLAG = ("true", "false")
FOLLOW = Parameter("follow", "Go on as more is written.", choices=_FLAG, default="false")
PREVIOUS = Parameter("previous", "Of the container that ran before this one.", choices=_FLAG, default="false")
TIMESTAMPS = Parameter("timestamps", "Begin each line with when it was written.", choices=_FLAG, default="false")
TAIL = Parameter("tailLines", "How many of the last lines.", most=logs.MOST_LINES, default=500)
SINCE = Parameter("sinceSeconds", "Only what was written in the last so many seconds.", most=31_536_000)
BYTES = Parameter("limitBytes", "How many bytes at most.", most=logs.MOST_BYTES, default=logs.MOST_BYTES)
DOWNLOAD = Parameter("download", "Answer as a file to keep.", choices=_FLAG, default="false")
LOGS = Streams("logs", logs.MOST_STREAMS, logs.MOST_PER_USER)


class PodList(PortalView):
    """The pods of a grid."""

    scoped = "grids"

    @operation("List pods of a grid", takes=(GRID, UNIT, *PAGED), answers={200: page(PodRowSerializer)})
    def get(self, _request: Request) -> Response:
        """The pods of a grid's workloads, as last seen, in order of name."""
        rows = pods_of_cells(_grid(self.query["grid"]), self.query["unit"])
        return self.page(rows, ("name",), PodRowSerializer.of)


class PodDetail(PortalView):
    """One pod."""

    scoped = "grids"

    @operation("Read a pod", answers={200: PodSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """A pod that belongs to a cell of a grid: its containers, with their states and how they ended before, and its
        conditions, as they are now."""
        row, cells, body = seen_now(namespace, name)
        return Response(PodSerializer.of(Seen(row, cells, body)))


class PodEvents(PortalView):
    """What Kubernetes says of a pod."""

    scoped = "grids"

    @operation("List Kubernetes Events of a pod", answers={200: KubernetesEventsSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The last Events about the pod, read from the cluster."""
        row, _ = _pod(namespace, name)
        return Response(KubernetesEventsSerializer.of(objects.pod_events(row)))


class NodeEvents(PortalView):
    """What Kubernetes says of a node."""

    scoped = "units"

    @operation("List Kubernetes Events of a node", answers={200: KubernetesEventsSerializer})
    def get(self, _request: Request, name: str) -> Response:
        """The last Events about the node, read from the cluster."""
        if not Node.objects.filter(name=name).exists():
            raise actions.NotFound(f"nodes/{name}")
        return Response(KubernetesEventsSerializer.of(objects.node_events(name)))


class CellEvents(PortalView):
    """What Kubernetes says of what a grid has in a NodeUnit."""

    scoped = "grids"

    @operation(
        "List Kubernetes Events of a grid's workload", takes=(GRID, OF_UNIT), answers={200: KubernetesEventsSerializer}
    )
    def get(self, _request: Request) -> Response:
        """The last Events about the Deployment, StatefulSet or Service of a NodeUnit, the ReplicaSets and the pods,
        read from the cluster."""
        grid, unit = _grid(self.query["grid"]), self.query["unit"]
        if not grid.units.filter(name=unit).exists():
            raise actions.NotFound(f"{grid.path}#{unit}")
        return Response(KubernetesEventsSerializer.of(objects.cell_events(grid, unit)))


class LogRenderer(renderers.BaseRenderer):
    """`text/plain`; it only takes part in content negotiation."""

    media_type = "text/plain"
    format = "log"


class PodLog(PortalView):
    """The log of a container."""

    scoped = "grids"
    renderer_classes = (LogRenderer,)

    @property
    def read_role(self) -> str:
        """The least role; a caller finds the pods that this role is held for."""
        return log_role() or "viewer"

    @operation(
        "Read or follow a pod's log",
        takes=(CONTAINER, FOLLOW, PREVIOUS, TIMESTAMPS, TAIL, SINCE, BYTES, DOWNLOAD),
        answers={200: LogRenderer.media_type},
        refusals=(409, 429),
    )
    def get(self, request: Request, namespace: str, name: str) -> HttpResponseBase:
        """Lines of text, as they are written; never stored by the portal. Escape sequences are left out, and other
        characters that are not seen are written as `\\xNN`. A user may have four logs open. One that is followed ends
        after fifteen minutes, or five in which nothing is written; its last line says so. 403 where the portal shows no
        logs (`SGPORTAL_POD_LOGS`), 409 where the container has none."""
        if not log_role():
            raise Refusal(403, NO_LOGS)
        row, _, body = seen_now(namespace, name)
        wanted = self._wanted(chosen(body, self.query["container"]))
        seat = seated(request, say("too many logs are open; close one, or try again later"), LOGS)
        opening = logs.begin(row, wanted, request.user.get_username())
        seat.hold_for(opening)
        connections.close_all()  # a log lasts for minutes
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if self.query["download"] == "true":
            headers["Content-Disposition"] = f'attachment; filename="{name}-{wanted.container}.log"'
        stream = logs.passed_on(opening, wanted, get_language() or "en")
        return StreamingHttpResponse(stream, content_type="text/plain; charset=utf-8", headers=headers)

    def _wanted(self, container: str) -> logs.Wanted:
        asked = self.query
        follow, previous, stamps = (asked[name] == "true" for name in ("follow", "previous", "timestamps"))
        since = asked["sinceSeconds"] or 0
        return logs.Wanted(container, follow, previous, stamps, asked["tailLines"], since, asked["limitBytes"])


def chosen(body: objects.Body, container: str) -> str:
    """The name of the container that is meant. Raises Invalid where there is none of this name."""
    found = containers_of(body)
    usual = most_telling(found)
    if not container:
        return usual.name if usual else ""
    if container not in {each.name for each in found}:
        raise Invalid(Problem("/container", one_of(tuple(each.name for each in found))))
    return container


def _pod(namespace: str, name: str) -> tuple[Pod, list[PodCell]]:
    found = pod_at(namespace, name)
    if found is None:
        raise actions.NotFound(f"pods/{namespace}/{name}")
    return found


def seen_now(namespace: str, name: str) -> tuple[Pod, list[PodCell], objects.Body]:
    """A pod of a cell, the cells that it belongs to, and as it is now. Raises NotFound, and what reading it raises."""
    row, cells = _pod(namespace, name)
    body = objects.pod_body(row)
    if body is None:
        raise actions.NotFound(f"pods/{namespace}/{name}")
    return row, cells, body


def _grid(path: str) -> Grid:
    plural, namespace, name = [*path.split("/"), "", ""][:3]
    found = Grid.objects.at(plural, namespace, name).first() if plural in BY_PLURAL else None
    if found is None:
        raise actions.NotFound(path)
    return found
