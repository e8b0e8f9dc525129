"""Nodes, and the units that their labels form."""

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.text import Invalid, Problem, say
from ...models import ManagementMode, Node
from ...queries.fleet.causes import causes_within
from ...queries.label_impact import Impact
from ...queries.matrix.node_groups import default_key, node_groups
from ...queries.matrix.overview import overview
from ...queries.matrix.units import UnitFilter, place, unit_page
from ...queries.nodes import select_nodes
from ..description.operations import PAGED, PLANNED, SELECTOR, Parameter, either, operation, page
from ..views import PortalView, unless_unchanged
from .impact import ImpactSerializer
from .labelling import moved
from .serializers import (
    Causes,
    CausesSerializer,
    NodeGroupSerializer,
    NodePatchSerializer,
    NodeSerializer,
    NodeUnitSerializer,
    OverviewSerializer,
    Seen,
)

GROUP = Parameter("group", "Only nodes that carry this label key.")
UNIT = Parameter("unit", "Only nodes of this NodeUnit of `group`.")
READY = Parameter("ready", "Only nodes in this state.", choices=("Ready", "NotReady", "Unknown", "true", "false"))
SEARCH = Parameter("search", "Only nodes whose name or labels hold this text.")
KEY = Parameter("group", "The label key of the NodeGroup.", required=True)
OVERVIEW_KEY = Parameter("group", "The label key of the NodeGroup; that of the most grids where left out.")
UNHEALTHY = Parameter("unhealthy", "Only NodeUnits that need attention, or only others.", choices=("true", "false"))
SEARCH_UNIT = Parameter("search", "Only NodeUnits whose name, or that of a node of theirs, holds this text.")
_TRUTHS = {"true": True, "false": False, "": None}
OF_GRID = Parameter("grid", "Only what concerns this grid, such as `deploymentgrids/default/web`.")
OF_UNIT = Parameter("unit", "Only what concerns this NodeUnit.")
ALL = Parameter("all", "Also Kubernetes' own label keys.", choices=("true", "false"), default="false")


class NodeList(PortalView):
    """The nodes."""

    scoped = "units"

    reads_nodes = True

    @operation(
        "List nodes",
        takes=(SELECTOR, GROUP, UNIT, READY, SEARCH, *PAGED),
        answers={200: page(NodeSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """A page of nodes in order of name, in Kubernetes' shape, as last seen."""
        asked = self.query
        if asked["unit"] and not asked["group"]:
            raise Invalid(Problem("/unit", say("also requires “group”, the label key of the NodeGroup")))
        ready = {"true": "Ready", "false": ""}.get(asked["ready"], asked["ready"])
        rows = select_nodes(asked["labelSelector"], asked["group"], asked["unit"], ready, asked["search"])
        if asked["ready"] == "false":
            rows = rows.exclude(ready="Ready")
        return self.page(rows, ("name",), NodeSerializer.of)


class NodeDetail(PortalView):
    """One node."""

    scoped = "units"

    reads_nodes = True

    @operation("Read a node", answers={200: NodeSerializer})
    def get(self, _request: Request, name: str) -> Response:
        """The node in Kubernetes' shape, as last seen."""
        return Response(NodeSerializer.of(_node(name)))

    @operation(
        "Change a node's labels",
        takes=PLANNED,
        body=NodePatchSerializer,
        answers={200: either(NodeSerializer, ImpactSerializer)},
        refusals=(409, 503),
    )
    def patch(self, _request: Request, name: str) -> Response:
        """Change the labels of one node at once; null removes."""
        labels = self.fields(NodePatchSerializer)["metadata"]["labels"]
        try:
            found = actions.label_node(_node(name).name, labels, self.actor, dry_run=self.dry_run)
        except Invalid as invalid:
            raise moved(invalid, {}, "/metadata/labels", "/metadata/labels") from None
        return Response(ImpactSerializer.of(found) if isinstance(found, Impact) else NodeSerializer.of(found))


def _node(name: str) -> Node:
    row = Node.objects.filter(name=name).first()
    if row is None:
        raise actions.NotFound(f"nodes/{name}")
    return row


class GroupList(PortalView):
    """The NodeGroups."""

    scoped = "units"

    reads_nodes = True

    @operation(
        "List NodeGroups", takes=(ALL, *PAGED), answers={200: page(NodeGroupSerializer), 304: None}, headers=("ETag",)
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """The label keys that form units, in order, each with its counts."""
        rows = node_groups(everything=self.query["all"] == "true")
        return self.page_of(rows, lambda row: (row["key"],), NodeGroupSerializer.of)


class UnitList(PortalView):
    """The NodeUnits of a NodeGroup."""

    scoped = "units"

    reads_nodes = True

    @operation(
        "List NodeUnits",
        takes=(KEY, UNHEALTHY, *PAGED),
        answers={200: page(NodeUnitSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """The units in order of name, each with its nodes and pods; as bad as the worst of its nodes and workloads."""
        key, wanted = self.query["group"], UnitFilter(unhealthy=_TRUTHS[self.query["unhealthy"]])
        pages = self.pages()
        found = unit_page(key, wanted, after=pages.after and (0, *pages.after), limit=pages.limit)
        following = pages.cursor([found.units[-1].name]) if found.more else None
        return Response({"items": NodeUnitSerializer.each_of(found.units), "next": following})


class CauseList(PortalView):
    """Why cells and nodes of a NodeGroup are unhealthy."""

    scoped = "units"

    reads_nodes = True

    @operation("List causes", takes=(OVERVIEW_KEY, OF_GRID, OF_UNIT), answers={200: CausesSerializer})
    def get(self, _request: Request) -> Response:
        """What fails for the same reason is one cause, the worst first. Of a NodeGroup the nodes are among the causes,
        and what their grids suffer because of them counts with them; of a grid or of a NodeUnit those of cells are
        listed. `message` is about the example that `unit` and `grid` name."""
        asked = self.query
        key = asked["group"] or default_key()
        found = causes_within(key, asked["grid"], asked["unit"])
        return Response(CausesSerializer.of(Causes(key, found)))


class OverviewDetail(PortalView):
    """The matrix of a NodeGroup."""

    scoped = "units"

    reads_nodes = True

    @operation(
        "Read the overview",
        takes=(OVERVIEW_KEY, UNHEALTHY, SEARCH_UNIT, *PAGED),
        answers={200: OverviewSerializer, 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """Units by grids: pods desired and ready, the state of each cell and why. The worst units come first, `next`
        leads to the others; `totals` are of all."""
        asked = self.query
        wanted = UnitFilter(search=asked["search"], unhealthy=_TRUTHS[asked["unhealthy"]])
        pages = self.pages()
        seen = overview(asked["group"] or None, wanted, after=pages.after, limit=pages.limit)
        following = pages.cursor(place(seen.units[-1])) if seen.more else None
        return Response(OverviewSerializer.of(Seen(seen, ManagementMode.now(), following)))
