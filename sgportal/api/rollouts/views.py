"""The rollout of a grid: how far it is, and what people ask of it."""

from collections.abc import Collection

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.rollouts.verbs import Verb
from ...models import Grid
from ...queries.per_unit.rollouts import Current, current
from ..description.operations import PAGED, PLANNED, operation, page
from ..grids.plans import Planned, PlanSerializer
from ..grids.views import GridView
from ..views import unless_unchanged
from .serializers import (
    RolloutSerializer,
    RolloutUnitSerializer,
    SkipTracksRequestSerializer,
    TracksRequestSerializer,
    names_in,
)


class RolloutView(GridView):
    """A view of a grid's latest rollout."""

    verb: Verb = "pause"

    def of(self, row: Grid) -> Current:
        """Its rollout. Raises NotFound."""
        found = current(row)
        if found is None:
            raise actions.NotFound(f"{row.path}/rollout")
        return found

    def steered(self, namespace: str, name: str, units: Collection[str] = (), tracks: Collection[str] = ()) -> Response:
        """Do what is asked; the plan, and 202 where it is being carried out."""
        row = self.at(namespace, name)
        self.of(row)
        expect = None if self.dry_run else self.expected_if_given(row.etag)
        planned = actions.steer_rollout(
            row, self.verb, self.actor, units=units, tracks=tracks, expect=expect, dry_run=self.dry_run
        )
        return Response(PlanSerializer.of(Planned(row.path, "configured", planned)), 200 if self.dry_run else 202)


class GridRollout(RolloutView):
    """How far it is."""

    @operation("Read a grid's rollout", answers={200: RolloutSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The latest rollout of the grid: its waves, what it waits for, what can be asked of it."""
        return Response(RolloutSerializer.of(self.of(self.at(namespace, name))))


class GridRolloutUnits(RolloutView):
    """Its units."""

    @operation(
        "List the units of a rollout",
        takes=PAGED,
        answers={200: page(RolloutUnitSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The NodeUnits of the latest rollout, wave by wave, each with its turn and revisions."""
        rows = self.of(self.at(namespace, name)).rollout.units.all()
        return self.page(rows, ("wave", "name"), RolloutUnitSerializer.of)


class GridRolloutVerb(RolloutView):
    """A verb without more to say."""

    @operation(
        "Steer a rollout",
        takes=PLANNED,
        body=TracksRequestSerializer,
        answers={200: PlanSerializer, 202: PlanSerializer},
        refusals=(409,),
        takes_match=True,
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Start it anew, pause or resume it, approve its present wave, abort it where it is, or roll it back. A pause,
        its end and an approval may be of some tracks alone."""
        return self.steered(namespace, name, tracks=names_in(self.fields(TracksRequestSerializer), "tracks"))


class GridRolloutSkip(RolloutView):
    """Leaving something out."""

    @operation(
        "Skip units or the present wave",
        takes=PLANNED,
        body=SkipTracksRequestSerializer,
        answers={200: PlanSerializer, 202: PlanSerializer},
        refusals=(409,),
        takes_match=True,
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Leave these NodeUnits out of the rollout; without any, go on to the next wave without waiting for this."""
        found = self.fields(SkipTracksRequestSerializer)
        return self.steered(namespace, name, names_in(found, "units"), names_in(found, "tracks"))
