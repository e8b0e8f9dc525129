"""Nodes, the groups and units that their labels form, and changing those labels."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from .. import actions
from ..core.schema import check_fields
from ..core.text import Invalid, Problem, first_of, pointer, say
from ..models import LabelJob, Node, Stewardship
from ..queries.label_impact import Impact
from ..queries.nodes import select_nodes
from ..queries.overview import node_groups, node_units, overview
from . import shapes
from .operations import DRY_RUN, PAGED, SELECTOR, Parameter, operation
from .views import PortalView

GROUP = Parameter("group", "Only nodes that carry this label key.")
UNIT = Parameter("unit", "Only nodes of this NodeUnit of `group`.")
READY = Parameter("ready", "Only nodes in this state.", choices=("Ready", "NotReady", "Unknown", "true", "false"))
SEARCH = Parameter("search", "Only nodes whose name or labels hold this text.")
KEY = Parameter("group", "The label key of the NodeGroup.", required=True)
OVERVIEW_KEY = Parameter("group", "The label key of the NodeGroup; that of the most grids where left out.")
UNHEALTHY = Parameter("unhealthy", "Only NodeUnits that need attention, or only others.", choices=("true", "false"))
ALL = Parameter("all", "Also Kubernetes' own label keys.", choices=("true", "false"), default="false")
LABEL_FIELDS = {
    "nodes": ("[str]", False),
    "labelSelector": ("str", False),
    "set": ("{str}", False),
    "remove": ("[str]", False),
}


class NodeList(PortalView):
    """The nodes."""

    reads_nodes = True

    @operation("List nodes", takes=(SELECTOR, GROUP, UNIT, READY, SEARCH, *PAGED), answers={200: "[Node]"})
    def get(self, _request: Request) -> Response:
        """A page of nodes in order of name, in Kubernetes' shape, as last seen."""
        asked = self.query
        if asked["unit"] and not asked["group"]:
            raise Invalid(Problem("/unit", say("needs “group” besides, the label key of the NodeGroup")))
        ready = {"true": "Ready", "false": ""}.get(asked["ready"], asked["ready"])
        rows = select_nodes(asked["labelSelector"], asked["group"], asked["unit"], ready, asked["search"])
        if asked["ready"] == "false":
            rows = rows.exclude(ready="Ready")
        return self.page(rows, ("name",), shapes.node)


class NodeDetail(PortalView):
    """One node."""

    reads_nodes = True

    @operation("Read a node", answers={200: "Node"})
    def get(self, _request: Request, name: str) -> Response:
        """The node in Kubernetes' shape, as last seen."""
        return Response(shapes.node(_node(name)))

    @operation(
        "Change a node's labels", takes=(DRY_RUN,), body="NodePatch", answers={200: "Node|Impact"}, refusals=(409, 503)
    )
    def patch(self, _request: Request, name: str) -> Response:
        """Change the labels of one node at once; null removes."""
        metadata = self.fields({"metadata": ("any", True)})["metadata"]
        problems = first_of(check_fields(metadata, {"labels": ("{str}", True)}, "/metadata"))
        if problems:
            raise Invalid(*problems)
        try:
            found = actions.label_node(_node(name).name, metadata["labels"], self.actor, dry_run=self.dry_run)
        except Invalid as invalid:
            raise _moved(invalid, {}, "/metadata/labels", "/metadata/labels") from None
        return Response(shapes.impact(found) if isinstance(found, Impact) else shapes.node(found))


def _node(name: str) -> Node:
    row = Node.objects.filter(name=name).first()
    if row is None:
        raise actions.NotFound(f"nodes/{name}")
    return row


class NodeLabelling(PortalView):
    """Changing labels on many nodes."""

    reads_nodes = True

    @operation(
        "Label many nodes",
        takes=(DRY_RUN,),
        body="LabelRequest",
        answers={202: "Job", 200: "Impact"},
        headers=("Location",),
    )
    def post(self, _request: Request) -> Response:
        """Set and remove labels on the nodes named or selected: a job with a result per node."""
        asked = self.fields(LABEL_FIELDS)
        changes = _changes(asked)
        names, where = _chosen(asked)
        try:
            found = actions.label_nodes(names, changes, self.actor, dry_run=self.dry_run)
        except Invalid as invalid:
            raise _moved(invalid, _places(asked), where, "/set") from None
        if isinstance(found, Impact):
            return Response(shapes.impact(found))
        return Response(shapes.job(found), 202, headers={"Location": f"/api/v1/jobs/{found.pk}"})


def _changes(asked: Mapping[str, Any]) -> dict[str, str | None]:
    wanted, unwanted = asked.get("set") or {}, asked.get("remove") or []
    both = [
        Problem(pointer("remove", index), say("“%(key)s” is to be set and removed", key=key))
        for index, key in enumerate(unwanted)
        if key in wanted
    ]
    both += [
        Problem(pointer("set", key), say("is required: a label's value; name the key in “remove” to remove it"))
        for key, value in wanted.items()
        if value is None
    ]
    if both:
        raise Invalid(*both)
    return {**wanted, **dict.fromkeys(unwanted)}


def _chosen(asked: Mapping[str, Any]) -> tuple[list[str], str]:
    """The names of the nodes asked for, and the field that chose them."""
    if asked.get("labelSelector") and asked.get("nodes"):
        raise Invalid(Problem("/labelSelector", say("name the nodes or select them, not both")))
    if asked.get("labelSelector"):
        return list(select_nodes(asked["labelSelector"]).values_list("name", flat=True)), "/labelSelector"
    return list(dict.fromkeys(each for each in asked.get("nodes") or () if each is not None)), "/nodes"


def _places(asked: Mapping[str, Any]) -> dict[str, str]:
    """Where the caller wrote each label key."""
    removed = {pointer("labels", key): pointer("remove", index) for index, key in enumerate(asked.get("remove") or ())}
    return removed | {pointer("labels", key): pointer("set", key) for key in asked.get("set") or {}}


def _moved(invalid: Invalid, places: Mapping[str, str], nodes: str, changes: str) -> Invalid:
    """The same problems where this call's body has them."""

    def place(where: str) -> str:
        if where in places:
            return places[where]
        for old, new in (("/labels/", changes + "/"), ("/set", changes), ("/nodes", nodes)):
            if where.startswith(old):
                return new + where.removeprefix(old)
        return where

    return Invalid(*(Problem(place(each.pointer), each.sentence) for each in invalid.problems))


class JobList(PortalView):
    """Changes of labels on many nodes."""

    @operation("List label jobs", takes=PAGED, answers={200: "[Job]"})
    def get(self, _request: Request) -> Response:
        """The jobs, newest first."""
        return self.page(LabelJob.objects.all(), ("-created_at", "-pk"), shapes.job)


class JobDetail(PortalView):
    """One change of labels on many nodes."""

    @operation("Read a label job", answers={200: "Job"})
    def get(self, _request: Request, pk: Any) -> Response:
        """How far the job is, node by node."""
        row = LabelJob.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"jobs/{pk}")
        return Response(shapes.job(row))


class GroupList(PortalView):
    """The NodeGroups."""

    reads_nodes = True

    @operation("List NodeGroups", takes=(ALL, *PAGED), answers={200: "[NodeGroup]"})
    def get(self, _request: Request) -> Response:
        """The label keys that form units, in order, each with its counts."""
        rows = node_groups(everything=self.query["all"] == "true")
        return self.page_of(rows, lambda row: (row["key"],), shapes.group)


class UnitList(PortalView):
    """The NodeUnits of a NodeGroup."""

    reads_nodes = True

    @operation("List NodeUnits", takes=(KEY, UNHEALTHY, *PAGED), answers={200: "[NodeUnit]"})
    def get(self, _request: Request) -> Response:
        """The units in order of name, each with its nodes and pods; as bad as the worst of its nodes and workloads."""
        asked = self.query["unhealthy"]
        rows = [each for each in node_units(self.query["group"]) if asked in ("", str(each.unhealthy).lower())]
        return self.page_of(rows, lambda row: (row.name,), shapes.unit)


class OverviewDetail(PortalView):
    """The matrix of a NodeGroup."""

    reads_nodes = True

    @operation("Read the overview", takes=(OVERVIEW_KEY,), answers={200: "Overview"})
    def get(self, _request: Request) -> Response:
        """Units by grids: pods desired and ready, the state of each cell and why."""
        seen = shapes.overview(overview(self.query["group"] or None))
        return Response({**seen, "management": shapes.management(Stewardship.now())})
