"""Changing labels on many nodes, moving, cordoning and draining them, as jobs."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.node_jobs import Action
from ...core.text import Invalid, Problem, pointer, say
from ...models import LabelJob
from ...queries.label_impact import Impact
from ...queries.nodes import select_nodes
from ..description.operations import PAGED, PLANNED, operation, page
from ..http.address import address
from ..views import PortalView, unless_unchanged
from .impact import ImpactSerializer
from .serializers import JobSerializer, LabelRequestSerializer, NodesRequestSerializer


class NodeLabelling(PortalView):
    """Changing labels on many nodes."""

    reads_nodes = True

    @operation(
        "Label many nodes",
        takes=PLANNED,
        body=LabelRequestSerializer,
        answers={202: JobSerializer, 200: ImpactSerializer},
        headers=("Location",),
    )
    def post(self, _request: Request) -> Response:
        """Set and remove labels on the nodes named or selected, or give each a value of its own: a job with a result
        per node. With `move` pods are evicted first."""
        asked = self.fields(LabelRequestSerializer)
        move = bool(asked.get("move"))
        if asked.get("values") is not None or asked.get("key"):
            return _answer(_assigned(asked, self.actor, move, self.dry_run))
        changes = _changes(asked)
        names, where = _chosen(asked)
        try:
            found = actions.label_nodes(names, changes, self.actor, move=move, dry_run=self.dry_run)
        except Invalid as invalid:
            raise moved(invalid, _places(asked), where, "/set") from None
        return _answer(found)


def _answer(found: LabelJob | Impact) -> Response:
    if isinstance(found, Impact):
        return Response(ImpactSerializer.of(found))
    return Response(JobSerializer.of(found), 202, headers={"Location": address(f"jobs/{found.pk}")})


def _assigned(asked: Mapping[str, Any], actor: actions.Actor, move: bool, dry_run: bool) -> LabelJob | Impact:
    """A value of its own for each node."""
    others = [name for name in ("nodes", "labelSelector", "set", "remove") if asked.get(name)]
    if others:
        raise Invalid(*(Problem(pointer(name), say("is not for use with “key” and “values”")) for name in others))
    values = asked.get("values") or {}
    try:
        return actions.assign_units(asked.get("key") or "", values, actor, move=move, dry_run=dry_run)
    except Invalid as invalid:
        places = {pointer("nodes", index): pointer("values", name) for index, name in enumerate(values)}
        raise moved(invalid, places, "/values", "/values") from None


class _Scheduling(PortalView):
    """Whether pods are scheduled to nodes."""

    reads_nodes = True
    action: Action

    def begin(self) -> Response:
        """Start the job, or say what it would evict."""
        names, where = _chosen(self.fields(NodesRequestSerializer))
        try:
            found = actions.schedule_nodes(names, self.action, self.actor, dry_run=self.dry_run)
        except Invalid as invalid:
            raise moved(invalid, {}, where, "") from None
        return _answer(found)


_STARTED: dict[str, Any] = {
    "takes": PLANNED,
    "body": NodesRequestSerializer,
    "answers": {202: JobSerializer, 200: ImpactSerializer},
    "headers": ("Location",),
}


class NodeCordon(_Scheduling):
    """Cordoning many nodes."""

    action: Action = "cordon"

    @operation("Cordon many nodes", **_STARTED)
    def post(self, _request: Request) -> Response:
        """No new pod is scheduled to these nodes: a job with a result per node."""
        return self.begin()


class NodeUncordon(_Scheduling):
    """Uncordoning many nodes."""

    action: Action = "uncordon"

    @operation("Uncordon many nodes", **_STARTED)
    def post(self, _request: Request) -> Response:
        """Pods are scheduled to these nodes again: a job with a result per node."""
        return self.begin()


class NodeDrain(_Scheduling):
    """Draining many nodes."""

    action: Action = "drain"

    @operation("Drain many nodes", **_STARTED)
    def post(self, _request: Request) -> Response:
        """Cordon these nodes and evict the pods of grids, within their PodDisruptionBudgets: a job with a result per
        node. Other pods stay."""
        return self.begin()


def _changes(asked: Mapping[str, Any]) -> dict[str, str | None]:
    wanted, unwanted = asked.get("set") or {}, asked.get("remove") or []
    both = [
        Problem(pointer("remove", index), say("“%(key)s” is both set and removed", key=key))
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


def moved(invalid: Invalid, places: Mapping[str, str], nodes: str, changes: str) -> Invalid:
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
    """Jobs on many nodes."""

    @operation("List jobs", takes=PAGED, answers={200: page(JobSerializer), 304: None}, headers=("ETag",))
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """The jobs, newest first."""
        return self.page(LabelJob.objects.all(), ("-created_at", "-pk"), JobSerializer.of)


class JobDetail(PortalView):
    """One job on many nodes."""

    @operation("Read a job", answers={200: JobSerializer})
    def get(self, _request: Request, pk: Any) -> Response:
        """How far the job is, node by node."""
        row = LabelJob.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"jobs/{pk}")
        return Response(JobSerializer.of(row))


class JobUndo(PortalView):
    """Taking back what a job did."""

    @operation(
        "Undo a job",
        takes=PLANNED,
        answers={202: JobSerializer, 200: ImpactSerializer},
        headers=("Location",),
        refusals=(409,),
    )
    def post(self, _request: Request, pk: Any) -> Response:
        """Give the nodes back the labels they had, and the cordon they had or had not, as a job of its own. A job that
        is under way is stopped first."""
        return _answer(actions.undo_job(pk, self.actor, dry_run=self.dry_run))
