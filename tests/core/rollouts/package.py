"""A package in virtual time for tests of the engine: members that go through their waves together, in tracks or not."""

from dataclasses import replace

from sgportal.core.rollouts import verbs
from sgportal.core.rollouts.division import divided
from sgportal.core.rollouts.engine import advance
from sgportal.core.rollouts.state import Seen
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.rollouts.succession import begun, origins, redivided
from sgportal.core.rollouts.together import after_those, beside
from sgportal.core.units import Unit

TAKES = 10  # seconds until a unit is ready
NOTHING_AHEAD = ("RollingBack", "RolledBack", "Aborted")


class Part:
    """A member: where its rollout is, and what its units have."""

    def __init__(self, units):
        self.has, self.since = dict.fromkeys(units, 1), dict.fromkeys(units, 0.0)
        self.revision, self.bad, self.state = 1, set(), None


class Package:
    """Members by name with the units that they have, of which some wait for another in every unit (`order`)."""

    def __init__(self, rollout, members, order=None, seed=7):
        self.rollout, self.strategy, self.seed = rollout, strategy_of(rollout), seed
        self.order, self.now, self.offline = order or {}, 1000.0, set()
        self.parts = {name: Part(units) for name, units in members.items()}
        self.most = 0
        for name in members:
            self.edit(name)

    def _waves(self, units):
        return divided(self.strategy, {name: Unit(name, ()) for name in units}, self.seed)

    def edit(self, name, bad=False):
        """Another revision of a member."""
        part = self.parts[name]
        part.revision += 1
        part.bad |= {part.revision} if bad else set()
        old = part.state.members if part.state else {}
        assigned = {unit: old[unit].assigned if unit in old else part.has[unit] for unit in part.has}
        part.state = begun(part.revision, self._waves(part.has), origins(assigned, old), self.now)

    def respecify(self, rollout):
        """Another strategy, which the members learn of one after the other."""
        self.rollout, self.strategy = rollout, strategy_of(rollout)
        for part in self.parts.values():
            part.state = redivided(self.strategy, part.state, self._waves(part.state.members))

    def ask(self, verb, tracks=()):
        """A person asks it of all members for which it makes sense."""
        for part in self.parts.values():
            try:
                part.state = verbs.done(verb, self.strategy, part.state, self.now, tracks=tracks)
            except verbs.NotNow:
                continue

    def _health(self, part, unit):
        if unit in self.offline:
            return "offline"
        if part.has[unit] in part.bad:
            return "broken"
        return "ready" if self.now - part.since[unit] >= TAKES else "moving"

    def waits(self, name, unit):
        """Whether a unit of a member waits for another member there."""
        other = self.parts.get(self.order.get(name))
        part = self.parts[name]
        if other is None or unit not in other.has or part.has[unit] == part.revision:
            return ""
        turn = other.state.members[unit].turn
        if turn == "skipped":
            return ""
        if turn in ("waiting", "deferred") and other.state.phase not in NOTHING_AHEAD:
            return "failed" if turn == "deferred" else "coming"
        if self._health(other, unit) == "ready" and other.has[unit] == other.state.members[unit].assigned:
            return ""
        return "failed" if turn == "failed" else "coming"

    def _seen(self, name):
        part = self.parts[name]
        return {unit: Seen(part.has[unit], self._health(part, unit), waits=self.waits(name, unit)) for unit in part.has}

    def _others(self, name):
        rest = {other: part.state for other, part in self.parts.items() if other != name}
        found = beside(self.strategy, list(rest.values()))
        changing = {unit for state in rest.values() for unit in state.at("given", "back")}
        waves = {}
        if state := rest.get(self.order.get(name)):
            waves = {unit: state.members[unit].wave for unit in state.at("waiting", "given", "deferred")}
        return replace(
            found, changing=changing, units={unit for state in rest.values() for unit in state.members}
        ), waves

    def look(self, name, killed=False):
        """One decision for a member, and what its units do about it. Nothing of it where the process is killed."""
        part, (others, waves), seen = self.parts[name], self._others(name), self._seen(name)
        before = after_those(self.strategy, part.state, waves)
        after = advance(self.strategy, before, seen, self.now, None, others)
        if killed:
            return
        again = advance(self.strategy, after, seen, self.now, None, others)
        assert {unit: each.assigned for unit, each in again.members.items()} == {
            unit: each.assigned for unit, each in after.members.items()
        }  # decided twice, done once
        fresh = {unit for unit in after.at("given") if after.members[unit].reached == self.now} - others.changing
        went_back = after.phase == "RollingBack" and part.state.phase != "RollingBack"
        part.state = after
        if fresh:
            changing = {unit for each in self.parts.values() for unit in each.state.at("given")} - self.offline
            self.most = max(self.most, len(changing))
        if went_back:
            self.ask("rollback")
        for unit, has in part.has.items():
            member = part.state.members[unit]
            blocked = member.assigned > has and self.waits(name, unit)
            if unit not in self.offline and has != member.assigned and not blocked:
                part.has[unit], part.since[unit] = member.assigned, self.now

    def step(self, count=1, killed=""):
        """Time passes, and every member is looked at."""
        for _ in range(count):
            self.now += 10
            for name in self.parts:
                self.look(name, killed == name)

    def phases(self):
        """What each member does."""
        return {name: part.state.phase for name, part in self.parts.items()}

    def runs(self, name):
        """The units of a member that have its latest revision."""
        part = self.parts[name]
        return "".join(sorted(unit for unit, has in part.has.items() if has == part.revision))

    def at(self, track):
        """Where each member is in a track: the number of its own wave, and what it waits for."""
        found = {}
        for name, part in self.parts.items():
            at = next(each for each in part.state.tracks if each.name == track)
            found[name] = (at.wave, at.reason)
        return found
