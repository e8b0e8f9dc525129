"""A thousand NodeUnits in virtual time: `python -m scripts.rollout_simulation` writes docs/rollouts/simulation.md.

The engine is the product's own; the units are not: each needs some time, drawn from a fixed seed, to be ready in the
revision that it is assigned. Nothing depends on the clock, so the report is the same wherever it is made.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sgportal.core.rollouts.division import divided
from sgportal.core.rollouts.engine import advance
from sgportal.core.rollouts.state import Member, Seen, State
from sgportal.core.rollouts.strategy import Strategy, strategy_of
from sgportal.core.units import Unit

UNITS, SEED, OFFLINE, FAILING = 1000, 2026, 0.05, 0.02
STEP, LONG_STEP = 10.0, 600.0  # seconds between two looks; where the rollout is over and no unit is on its way
LONGEST = 7 * 24 * 3600.0
OLD, NEW = 1, 2
REPORT = Path(__file__).parent.parent / "docs/rollouts/simulation.md"
WAVES = [
    {"name": "canary", "count": 5, "soakSeconds": 600},
    {"name": "tenth", "percent": 10, "soakSeconds": 600},
]
COMMON = {"waves": WAVES, "maxUnavailable": 20, "progressDeadlineSeconds": 600}
HALVES = [
    {"name": name, "units": [f"site-{number:04}" for number in numbers], "waves": WAVES}
    for name, numbers in (("north", range(500)), ("south", range(500, 1000)))
]
CASES: Mapping[str, Mapping[str, Any]] = {
    "rolls out": {**COMMON, "maxFailures": 30},
    "halts": {**COMMON, "maxFailures": 5},
    "rolls back": {**COMMON, "maxFailures": 5, "onFailure": "rollBack"},
    "rolls out in two tracks": {**COMMON, "waves": None, "tracks": HALVES, "maxFailures": 30},
}


@dataclass
class Simulation:
    """Units by name, `takes` seconds each; those that are `offline` come back at a time; those that are `failing` are
    never ready in the new revision."""

    strategy: Strategy
    state: State
    takes: dict[str, float]
    offline: dict[str, float]
    failing: set[str]
    now: float = 0.0
    has: dict[str, int] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    writes: list[tuple[str, int]] = field(default_factory=list)
    most_changing: int = 0
    ended: float = 0.0

    def seen(self) -> dict[str, Seen]:
        """What a look shows."""
        found = {}
        for name, revision in self.has.items():
            if self.offline.get(name, 0.0) > self.now:
                found[name] = Seen(revision, "offline")
            elif name in self.failing and revision == NEW:
                found[name] = Seen(revision, "broken")
            else:
                ready = self.now - self.since[name] >= self.takes[name]
                found[name] = Seen(revision, "ready" if ready else "moving")
        return found

    def step(self) -> None:
        """One look, and what units in reach do about what they are assigned."""
        self.now += LONG_STEP if self.ended and not self.state.at("given", "back") else STEP
        seen = self.seen()
        before = self.state.phase
        self.state = advance(self.strategy, self.state, seen, self.now)
        if self.state.phase != before and self.state.phase in ("Complete", "Halted", "RolledBack"):
            self.ended = self.now
        for name, member in self.state.members.items():
            if seen[name].health != "offline" and self.has[name] != member.assigned:
                self.has[name], self.since[name] = member.assigned, self.now
                self.writes.append((name, member.assigned))
        changing = sum(each.turn == "given" for each in self.state.members.values())
        self.most_changing = max(self.most_changing, changing)

    def run(self) -> "Simulation":
        """Go on until nothing is left to come: no unit is away, and none is on its way."""
        while self.now < LONGEST:
            self.step()
            away = any(until > self.now for until in self.offline.values())
            if self.ended and not away and not self.state.at("given", "back") and self.now > self.ended + 3600:
                return self
        raise AssertionError(f"never at rest: {self.state.phase}")


def simulation(rollout: Mapping[str, Any], seed: int = SEED, units: int = UNITS) -> Simulation:
    """A fleet of which 5 % are offline and 2 % fail, by a seed."""
    draw = random.Random(seed)  # the same fleet each time, not a secret
    names = [f"site-{number:04}" for number in range(units)]
    strategy = strategy_of(rollout)
    if strategy is None:
        raise ValueError("no strategy")
    waves = divided(strategy, {name: Unit(name, ()) for name in names}, seed)
    takes = {name: round(draw.lognormvariate(4.1, 0.5), 1) for name in names}
    chosen = draw.sample(names, int(units * (OFFLINE + FAILING)))
    away = chosen[: int(units * OFFLINE)]
    offline = {name: draw.uniform(3600, 48 * 3600) for name in away}
    state = State(NEW, members={name: Member(waves[name], OLD, OLD) for name in names})
    found = Simulation(strategy, state, takes, offline, set(chosen[len(away) :]))
    found.has, found.since = dict.fromkeys(names, OLD), dict.fromkeys(names, -LONGEST)
    return found


def row(name: str, run: Simulation) -> str:
    """A line of the report."""
    turns = {turn: len(run.state.at(turn)) for turn in ("done", "failed", "waiting", "restored")}
    new = sum(revision == NEW for revision in run.has.values())
    twice = len(run.writes) - len(set(run.writes))
    hours = f"{run.ended / 3600:.1f} h"
    counts = " | ".join(str(turns[turn]) for turn in turns)
    return f"| {name} | {run.state.phase} | {hours} | {counts} | {new} | {run.most_changing} | {twice} |"


def report() -> str:
    """The report as Markdown."""
    lines = [row(name, simulation(rollout).run()) for name, rollout in CASES.items()]
    columns = ("case", "ends as", "after", "done", "failed", "waiting", "restored", "have the new revision")
    titles = " | ".join((*columns, "most in change", "written twice"))
    table = "\n".join((f"| {titles} |", "|---" * 10 + "|", *lines))
    return f"""# A thousand NodeUnits in virtual time

Written by `python -m scripts.rollout_simulation`; a test holds it against what the engine does now.

{UNITS} NodeUnits, of which {OFFLINE:.0%} are out of reach when it begins and come back within two days, and
{FAILING:.0%} never become ready in the new revision. A unit takes about a minute. Waves: 5 units, then 10 %,
each watched for ten minutes, then the rest; 20 at a time; ten minutes until a unit counts as failed.
Seed {SEED}. What rolls out bears 30 failures, the others 5.
The two tracks have half of the units and these waves each; what they share is how many are in change and may fail.

{table}

The numbers are those at rest, when every unit is back: what was out of reach has been given the new revision where it
was rolled out, and has kept the old one where it was halted or rolled back. No unit was given a revision twice.
"""


if __name__ == "__main__":
    REPORT.write_text(report(), encoding="utf-8")
