"""Changing labels on many nodes, as a job."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.text import Invalid, Problem, pointer, say
from ...models import LabelJob
from ...queries.label_impact import Impact
from ...queries.nodes import select_nodes
from ..description.operations import PAGED, PLANNED, operation, page
from ..http.address import address
from ..views import PortalView
from .serializers import ImpactSerializer, JobSerializer, LabelRequestSerializer


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
        """Set and remove labels on the nodes named or selected: a job with a result per node."""
        asked = self.fields(LabelRequestSerializer)
        changes = _changes(asked)
        names, where = _chosen(asked)
        try:
            found = actions.label_nodes(names, changes, self.actor, dry_run=self.dry_run)
        except Invalid as invalid:
            raise moved(invalid, _places(asked), where, "/set") from None
        if isinstance(found, Impact):
            return Response(ImpactSerializer.of(found))
        return Response(JobSerializer.of(found), 202, headers={"Location": address(f"jobs/{found.pk}")})


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
    """Changes of labels on many nodes."""

    @operation("List label jobs", takes=PAGED, answers={200: page(JobSerializer)})
    def get(self, _request: Request) -> Response:
        """The jobs, newest first."""
        return self.page(LabelJob.objects.all(), ("-created_at", "-pk"), JobSerializer.of)


class JobDetail(PortalView):
    """One change of labels on many nodes."""

    @operation("Read a label job", answers={200: JobSerializer})
    def get(self, _request: Request, pk: Any) -> Response:
        """How far the job is, node by node."""
        row = LabelJob.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"jobs/{pk}")
        return Response(JobSerializer.of(row))
