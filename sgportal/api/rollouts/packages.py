"""The rollout of a ServiceGroup: that of all its members as one."""

from collections.abc import Collection
from functools import partial
from typing import NamedTuple

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.rollouts.progress import sentence_of, sentence_of_package
from ...core.rollouts.state import PHASES, State
from ...core.rollouts.strategy import Strategy
from ...core.rollouts.verbs import Verb
from ...core.rollouts.whole import Whole
from ...core.text import Sentence
from ...models import Grid, RolloutUnit, ServiceGroup
from ...queries.per_unit.rollouts import Together, together
from ..description.operations import PAGED, PLANNED, operation, page
from ..grids.groups import GroupView, group_at
from ..grids.plans import GroupPlanned, GroupPlanSerializer, Planned
from ..http.shapes import Count, Said, Shape, Texts, one_of
from ..views import unless_unchanged
from .serializers import (
    RolloutUnitSerializer,
    SkipTracksRequestSerializer,
    TrackSerializer,
    TracksRequestSerializer,
    TurnsSerializer,
    WaveSerializer,
    names_in,
    shown_tracks,
    shown_waves,
)


class MemberRollout(NamedTuple):
    """The rollout of a member."""

    strategy: Strategy
    grid: Grid
    state: State
    stable: int
    takes_part: bool


class MemberRolloutSerializer(Shape):
    """How far the rollout of a member is; `takesPart` is false for one that was not changed, and holds up nobody."""

    path = serializers.CharField(source="grid.path")
    takesPart = serializers.BooleanField()
    phase = one_of(*PHASES, source="state.phase")
    reason = serializers.CharField(source="state.reason")
    message = Said()
    target = Count(source="state.target")
    stable = Count()
    wave = serializers.CharField()
    turns = TurnsSerializer()

    def get_message(self, value: MemberRollout) -> Sentence:
        """The same as a sentence."""
        return sentence_of(value.strategy, value.state)

    def get_wave(self, value: MemberRollout) -> str:
        """The present wave."""
        return value.strategy.title(value.state.wave)

    def get_turns(self, value: MemberRollout) -> dict[str, int]:
        """How many units are at which turn."""
        return value.state.turns()


class PackageRollout(NamedTuple):
    """The rollouts of the members of a package, and what they are as one."""

    found: Together
    whole: Whole


class PackageRolloutSerializer(Shape):
    """How far the rollout of a ServiceGroup is. `phase` is the worst of its members', `wave` and `reason` are those of
    the member that is the furthest behind; `units` and `turns` count each NodeUnit once for each member; `secondsLeft`
    is about how long it takes still, null where that cannot be told, `secondsToApproval` how long until a person has
    to approve a wave; `possible` is what can be asked of it now; each of `tracks`, empty where there is one, is where
    the member is that is the furthest behind there."""

    phase = one_of(*PHASES, source="whole.state.phase")
    reason = serializers.CharField(source="whole.state.reason")
    message = Said()
    wave = serializers.CharField()
    secondsLeft = serializers.FloatField(allow_null=True, source="whole.seconds")
    secondsToApproval = serializers.FloatField(allow_null=True, source="whole.to_approval")
    waves = WaveSerializer(many=True)
    tracks = TrackSerializer(many=True)
    possible = Texts(source="whole.possible")
    members = MemberRolloutSerializer(many=True)

    def get_message(self, value: PackageRollout) -> Sentence:
        """The same as a sentence."""
        return sentence_of_package(value.found.strategy, value.whole.state)

    def get_wave(self, value: PackageRollout) -> str:
        """The present wave."""
        return value.found.strategy.title(value.whole.state.wave)

    def get_waves(self, value: PackageRollout) -> list[object]:
        """Those that have units."""
        return list(shown_waves(value.found.strategy, value.whole.state))

    def get_tracks(self, value: PackageRollout) -> list[object]:
        """Those that have units."""
        strategy, whole = value.found.strategy, value.whole
        return list(shown_tracks(strategy, whole.state, partial(whole.possible_of, strategy)))

    def get_members(self, value: PackageRollout) -> list[MemberRollout]:
        """In order of path."""
        return [
            MemberRollout(value.found.strategy, grid, state, rollout.stable, grid.path in value.whole.parts)
            for grid, rollout, state in value.found.members
        ]


class PackageRolloutUnitSerializer(RolloutUnitSerializer):
    """A NodeUnit in the rollout of a member of a ServiceGroup, the grid at this path."""

    grid = serializers.CharField(source="rollout.grid.path")


class PackageRolloutView(GroupView):
    """A view of the rollout of a package."""

    verb: Verb = "pause"

    def of(self, row: ServiceGroup) -> Together:
        """Its rollout. Raises NotFound."""
        found = together(row)
        if found is None:
            raise actions.NotFound(f"{row.path}/rollout")
        return found

    def steered(self, namespace: str, name: str, units: Collection[str] = (), tracks: Collection[str] = ()) -> Response:
        """Do what is asked; the plan of each member, and 202 where it is being carried out."""
        row = group_at(namespace, name)
        self.of(row)
        expect = None if self.dry_run else self.expected_if_given(row.etag)
        plans = actions.steer_package(
            row, self.verb, self.actor, units=units, tracks=tracks, expect=expect, dry_run=self.dry_run
        )
        each = [Planned(path, "configured", plan) for path, plan in plans.items()]
        answer = GroupPlanSerializer.of(GroupPlanned(row.path, "configured", each))
        return Response(answer, 200 if self.dry_run else 202)


class GroupRollout(PackageRolloutView):
    """How far it is."""

    @operation("Read a ServiceGroup's rollout", answers={200: PackageRolloutSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The latest rollouts of the members that are rolled out as the package says, as one, and each."""
        found = self.of(group_at(namespace, name))
        return Response(PackageRolloutSerializer.of(PackageRollout(found, found.as_one())))


class GroupRolloutUnits(PackageRolloutView):
    """Its units."""

    @operation(
        "List the units of a ServiceGroup's rollout",
        takes=PAGED,
        answers={200: page(PackageRolloutUnitSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The NodeUnits of the members' latest rollouts, wave by wave, each with its turn and revisions."""
        found = self.of(group_at(namespace, name))
        rows = RolloutUnit.objects.filter(rollout__in=[rollout for _, rollout, _ in found.members])
        return self.page(rows.select_related("rollout__grid"), ("wave", "name", "pk"), PackageRolloutUnitSerializer.of)


class GroupRolloutVerb(PackageRolloutView):
    """A verb without more to say."""

    @operation(
        "Steer a ServiceGroup's rollout",
        takes=PLANNED,
        answers={200: GroupPlanSerializer, 202: GroupPlanSerializer},
        refusals=(409,),
        takes_match=True,
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Start it anew, pause or resume it, approve its present wave, abort it where it is, or roll it back: for every
        member for which that makes sense now. A pause, its end and an approval may be of some tracks alone, in a body
        `{"tracks": ["north"]}`, which nobody has to send."""
        return self.steered(namespace, name, tracks=names_in(self.fields(TracksRequestSerializer), "tracks"))


class GroupRolloutSkip(PackageRolloutView):
    """Leaving something out."""

    @operation(
        "Skip units or the present wave of a ServiceGroup's rollout",
        takes=PLANNED,
        body=SkipTracksRequestSerializer,
        answers={200: GroupPlanSerializer, 202: GroupPlanSerializer},
        refusals=(409,),
        takes_match=True,
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Leave these NodeUnits out of the rollout of every member; without any, go on to the next wave, of these
        tracks or of all, without waiting for this."""
        found = self.fields(SkipTracksRequestSerializer)
        return self.steered(namespace, name, names_in(found, "units"), names_in(found, "tracks"))
