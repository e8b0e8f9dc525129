"""Whatever happens in whatever order: edits, sites that go and come, people who steer, processes that are killed. Once
it is quiet, units run what is wanted; and never are more of them in change than allowed."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.rollout_simulation import CASES, REPORT, report, simulation
from sgportal.core.rollouts import verbs
from sgportal.core.rollouts.division import divided
from sgportal.core.rollouts.engine import advance
from sgportal.core.rollouts.state import Seen
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.rollouts.succession import begun, origins
from sgportal.core.units import Unit

NAMES = "abcdefgh"
HAPPENINGS = st.one_of(
    st.tuples(st.just("edit"), st.booleans()),
    st.tuples(st.just("verb"), st.sampled_from(["start", "pause", "resume", "approve", "skip", "abort", "rollback"])),
    st.tuples(st.just("leave"), st.sampled_from(NAMES)),
    st.tuples(st.just("offline"), st.sampled_from(NAMES)),
    st.tuples(st.just("back"), st.sampled_from(NAMES)),
    st.tuples(st.just("killed"), st.sampled_from(["deciding", "writing"])),
    st.tuples(st.just("time"), st.integers(1, 40)),
)
STRATEGIES = st.fixed_dictionaries(
    {
        "waves": st.lists(
            st.one_of(
                st.builds(lambda n, soak: {"count": n, "soakSeconds": soak}, st.integers(1, 3), st.integers(0, 60)),
                st.builds(lambda n, ask: {"percent": n, "approval": ask}, st.integers(1, 60), st.booleans()),
            ),
            max_size=3,
        ),
        "maxUnavailable": st.integers(1, 3),
        "maxFailures": st.integers(0, 2),
        "onFailure": st.sampled_from(["halt", "rollBack"]),
        "progressDeadlineSeconds": st.just(50),
    }
)


class World:
    """Units that take what they are assigned, in a world where any process may be killed."""

    def __init__(self, rollout):
        self.strategy = strategy_of(rollout)
        self.now, self.revision = 1000.0, 1
        self.has, self.since = dict.fromkeys(NAMES, 1), dict.fromkeys(NAMES, 0.0)
        self.offline, self.bad = set(), set()
        self.old = {}
        self.edit(bad=False)

    def edit(self, bad):
        self.revision += 1
        if bad:
            self.bad.add(self.revision)
        waves = divided(self.strategy, {name: Unit(name, ()) for name in self.has}, seed=self.revision)
        assigned = {name: self.old[name].assigned if name in self.old else self.has[name] for name in self.has}
        self.state = begun(self.revision, waves, origins(assigned, self.old), self.now)
        self.old = self.state.members

    def seen(self):
        def health(name):
            if name in self.offline:
                return "offline"
            if self.has[name] in self.bad:
                return "broken"
            return "ready" if self.now - self.since[name] >= 10 else "moving"

        return {name: Seen(self.has[name], health(name)) for name in self.has}

    def happen(self, what, which):
        if what == "edit":
            self.edit(which)
        elif what == "verb":
            try:
                self.state = verbs.done(which, self.strategy, self.state, self.now)
            except verbs.NotNow:
                return
        elif what == "leave":
            self.has.pop(which, None)
        elif what == "offline":
            self.offline.add(which)
        elif what == "back":
            self.offline.discard(which)
        elif what == "time":
            for _ in range(which):
                self.step()
        else:
            self.step(killed=which)

    def step(self, killed=""):
        """A look. Killed while deciding nothing is stored; killed while writing some children are not written."""
        self.now += 10
        after = advance(self.strategy, self.state, self.seen(), self.now)
        if killed == "deciding":
            return
        assert advance(self.strategy, after, self.seen(), self.now) == after  # decided twice, done once
        self.state = after
        self.old = after.members
        self.check()
        for name in sorted(self.has):
            member = self.state.members[name]
            if name not in self.offline and self.has[name] != member.assigned:
                self.has[name], self.since[name] = member.assigned, self.now
                if killed:
                    return

    def check(self):
        """Never more units in change than allowed, and none with a revision that nobody assigned."""
        given = [name for name in self.state.at("given") if name in self.has and name not in self.offline]
        fresh = [name for name in given if self.state.members[name].since == self.now]
        assert not fresh or len(given) <= self.strategy.at_once(len(self.has)) + self.resumed
        assert all(
            member.assigned in (member.before, self.state.target) or member.turn == "waiting"
            for member in self.state.members.values()
        )

    resumed = 0


def run_what_is_wanted(world):
    """The rollout has ended or stands still, and each unit runs what it should have then."""
    state = world.state
    assert state.phase in ("Complete", "Halted", "RolledBack", "Aborted", "Paused"), state
    for name, revision in world.has.items():
        member = state.members[name]
        assert revision == member.assigned, (name, member)
        if state.phase == "RolledBack":
            assert revision == member.before
        if state.phase == "Complete" and member.turn != "skipped":
            assert revision == state.target


@settings(max_examples=100, deadline=None, derandomize=True)
@given(STRATEGIES, st.lists(HAPPENINGS, max_size=25))
def test_once_it_is_quiet_units_run_what_is_wanted(rollout, happenings):
    world = World(rollout)
    for each in happenings:
        world.happen(*each)
    world.offline.clear()
    for _ in range(150):
        world.step()
        if world.state.phase == "Progressing" and world.state.reason == "AwaitingApproval":
            world.happen("verb", "approve")
    run_what_is_wanted(world)
    if not world.bad and not any(each[0] == "verb" for each in happenings):
        assert world.state.phase == "Complete"


def test_the_report_says_what_the_engine_does_now():
    assert REPORT.read_text(encoding="utf-8") == report()


def test_no_case_of_the_simulation_gives_a_unit_a_revision_twice():
    for rollout in CASES.values():
        run = simulation({**rollout, "maxFailures": 2}, seed=5, units=200).run()
        assert len(run.writes) == len(set(run.writes))
        assert run.most_changing <= 20


def test_a_unit_goes_back_to_what_it_proved_to_run():
    world = World({"maxUnavailable": 8, "progressDeadlineSeconds": 50})
    for _ in range(3):
        world.step()
    world.edit(bad=True)
    world.step()
    world.edit(bad=False)
    assert {member.before for member in world.state.members.values()} == {2}
    world.state = replace(world.state, phase="RollingBack")
    for _ in range(10):
        world.step()
    assert set(world.has.values()) == {2}
