"""Whatever happens in whatever order to a rollout of several tracks: what holds for one of waves alone holds for it,
and no unit of one track waits for what another waits for."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sgportal.core.rollouts import verbs
from sgportal.core.rollouts.division import divided
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.rollouts.succession import redivided
from sgportal.core.rollouts.tracks import is_over, positions
from sgportal.core.units import Unit

from .test_any_sequence import HAPPENINGS, NAMES, World, run_what_is_wanted

WAVES = st.lists(
    st.builds(
        lambda n, soak, ask: {"count": n, "soakSeconds": soak, "approval": ask},
        st.integers(1, 3),
        st.sampled_from([0, 0, 60]),
        st.booleans(),
    ),
    max_size=2,
)
TRACKS = st.lists(
    st.builds(
        lambda units, waves: {"units": sorted(units), "waves": waves},
        st.sets(st.sampled_from(NAMES), min_size=1),
        WAVES,
    ),
    min_size=1,
    max_size=3,
).map(lambda found: [{"name": f"t{number}", **each} for number, each in enumerate(found)])
ROLLOUTS = st.fixed_dictionaries(
    {
        "tracks": TRACKS,
        "maxUnavailable": st.integers(1, 4),
        "maxFailures": st.integers(0, 2),
        "onFailure": st.sampled_from(["halt", "rollBack"]),
        "progressDeadlineSeconds": st.just(50),
    }
)
OF_TRACKS = st.tuples(st.sampled_from(sorted(verbs.OF_TRACKS)), st.sampled_from(["t0", "t1", "t2", "rest"]))
ALL = st.one_of(HAPPENINGS, st.tuples(st.just("track"), OF_TRACKS), st.tuples(st.just("respecified"), TRACKS))


class Tracked(World):
    """The same world, where single tracks are steered, too, and the tracks themselves are edited."""

    def happen(self, what, which):
        if what == "track":
            verb, track = which
            try:
                self.state = verbs.done(verb, self.strategy, self.state, self.now, tracks=[track])
            except verbs.NotNow:
                return
        elif what == "respecified":
            self.rollout = {**self.rollout, "tracks": which}
            self.strategy = strategy_of(self.rollout)
            waves = divided(self.strategy, {name: Unit(name, ()) for name in self.state.members}, seed=self.revision)
            self.state = redivided(self.strategy, self.state, waves)
        else:
            super().happen(what, which)

    def __init__(self, rollout):
        self.rollout = rollout
        super().__init__(rollout)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ROLLOUTS, st.lists(ALL, max_size=25))
def test_once_it_is_quiet_units_run_what_is_wanted(rollout, happenings):
    world = Tracked(rollout)
    for each in happenings:
        world.happen(*each)
    world.offline.clear()
    for _ in range(200):
        world.step()
        world.happen("verb", "approve")
    run_what_is_wanted(world)
    state = world.state
    if state.phase == "Complete":
        placed = zip(world.strategy.tracks, positions(world.strategy, state), strict=True)
        assert all(is_over(track, at) for track, at in placed)
    if not world.bad and not any(each[0] in ("verb", "track") for each in happenings):
        assert state.phase == "Complete"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(ROLLOUTS, st.sampled_from(["approval", "offline", "soak", "paused"]))
def test_no_track_waits_for_what_another_waits_for(rollout, why):
    """One track of its own unit that never gets on: every unit of the others has the revision in the end."""
    first = {
        "name": "first",
        "units": ["a"],
        "waves": [{"count": 1, "approval": why == "approval", "soakSeconds": 10**6 * (why == "soak")}],
    }
    others = [{**each, "waves": [{**wave, "approval": False} for wave in each["waves"]]} for each in rollout["tracks"]]
    world = Tracked({**rollout, "tracks": [first, *others]})
    if why == "offline":
        world.offline.add("a")
    if why == "paused":
        world.happen("track", ("pause", "first"))
    for _ in range(100):
        world.step()
    named = set().union(*(each["units"] for each in others)) - {"a"}
    assert {world.has[name] for name in named} <= {world.state.target}
    rest = set(NAMES) - named - {"a"}
    assert {world.has[name] for name in rest} <= ({world.state.target} if why == "offline" else {1})
    assert (world.state.phase == "Complete") == (why == "offline")
