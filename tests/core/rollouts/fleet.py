"""A fleet in virtual time for tests of the engine: units that take a revision as they are told."""

from dataclasses import dataclass, field, replace

from sgportal.core.rollouts.division import divided
from sgportal.core.rollouts.engine import advance
from sgportal.core.rollouts.state import Member, Seen, State
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.units import Unit

OLD, NEW = 1, 2


@dataclass
class Fleet:
    """Units by name, each of which is ready `takes` seconds after it was given a revision, but for those that are
    `broken` (by the new one only) or `offline`."""

    strategy: dict
    names: str | list[str] = "abcd"
    takes: float = 10
    broken: set[str] = field(default_factory=set)
    offline: set[str] = field(default_factory=set)
    windows: dict[str, float] = field(default_factory=dict)
    restarting: set[str] = field(default_factory=set)
    now: float = 1000.0

    def __post_init__(self):
        self.read = strategy_of(self.strategy)
        units = {name: Unit(name, ()) for name in self.names}
        waves = divided(self.read, units, seed=7)
        self.state = State(NEW, members={name: Member(wave, OLD, OLD) for name, wave in waves.items()})
        self.has = dict.fromkeys(self.names, OLD)
        self.given = dict.fromkeys(self.names, 0.0)
        self.most = 0
        self.log: list[tuple[str, int]] = []

    def seen(self) -> dict[str, Seen]:
        found = {}
        for name, revision in self.has.items():
            moving = self.now - self.given[name] < self.takes
            bad = name in self.broken and revision == NEW
            health = "offline" if name in self.offline else "broken" if bad else "moving" if moving else "ready"
            opens, restarting = self.windows.get(name, 0.0), name in self.restarting and revision == NEW
            found[name] = Seen(revision, health, opens_in=opens, restarting=restarting)
        return found

    def step(self, seconds: float = 10, passed: bool | None = None) -> State:
        """Let time pass, decide, and have every unit in reach take what it is assigned."""
        self.now += seconds
        self.state = advance(self.read, self.state, self.seen(), self.now, passed)
        for name, member in self.state.members.items():
            if name not in self.offline and self.has[name] != member.assigned:
                self.has[name], self.given[name] = member.assigned, self.now
                self.log.append((name, member.assigned))
        changing = [name for name, seen in self.seen().items() if seen.health == "moving"]
        self.most = max(self.most, len(changing))
        return self.state

    def run(self, until="Complete", steps: int = 200) -> State:
        """Go on until the rollout is in a phase."""
        for _ in range(steps):
            if self.step().phase == until:
                return self.state
        raise AssertionError(f"{self.state.phase} {self.state.reason} in wave {self.state.wave}")

    def turns(self) -> dict[str, str]:
        """Where each unit is."""
        return {name: each.turn for name, each in self.state.members.items()}

    def put(self, **fields) -> None:
        """Change the state, as a person's wish does."""
        self.state = replace(self.state, **fields)
