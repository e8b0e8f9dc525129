"""How far a rollout is: what is stored between two decisions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Phase = Literal[
    "Pending", "Progressing", "Paused", "Halted", "RollingBack", "RolledBack", "Aborted", "Superseded", "Complete"
]
PHASES: tuple[Phase, ...] = get_args(Phase)
OVER: frozenset[Phase] = frozenset(("Superseded", "Complete"))  # nothing can be done about it any more
GIVEN_UP: frozenset[Phase] = frozenset(("Aborted", "RolledBack"))  # nothing happens until somebody starts it anew
# What a rollout in progress waits for.
Reason = Literal[
    "",
    "RollingOut",
    "OutsideWindow",
    "Soaking",
    "CheckingGates",
    "AwaitingApproval",
    "AwaitingMembers",
    "AwaitingTracks",
    "TooManyFailures",
    "GateFailed",
    "MemberStopped",
]
Turn = Literal["waiting", "given", "done", "failed", "deferred", "skipped", "back", "restored"]
TURNS: tuple[Turn, ...] = get_args(Turn)
# Why a unit has failed.
Failure = Literal["", "DeadlineExceeded", "TooManyRestarts"]
FAILURES: tuple[Failure, ...] = get_args(Failure)
Health = Literal["ready", "moving", "broken", "offline", "paused", "absent"]

# What a unit waits for before it can have a revision: another grid there that is coming to be ready, or that failed to.
Waits = Literal["", "coming", "failed"]


@dataclass(frozen=True, slots=True)
class Member:
    """A unit in a rollout. `wave`: the number of its wave, from 0. `before`: the revision that it goes back to, and
    `assigned` the one that it should have now. `turn` since `since` (epoch seconds): `waiting` for its turn, `given`
    the revision, `done`, `failed` to be ready in time, `deferred` while it is offline or paused, `skipped`: not waited
    for; on the way `back`, `restored`. `took`: how many seconds it needed, 0 while that is not known. `reached`:
    when it was last given the revision or another try, 0 for never. `failure`: why it has `failed`."""

    wave: int
    before: int
    assigned: int
    turn: Turn = "waiting"
    since: float = 0.0
    took: float = 0.0
    reached: float = 0.0
    failure: Failure = ""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a track is, by the number of its own wave, from 0; their count stands for its end. `reason`, `ready_at`,
    `approved` and `checked` as in a `State`. `paused`: no more units of it are given the revision."""

    name: str
    wave: int = 0
    reason: Reason = ""
    ready_at: float | None = None
    approved: int = 0
    checked: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A rollout to revision `target`. `wave`: the one that it is at. `ready_at`: since when all units of it are done,
    epoch seconds. `approved`: how many waves a person has approved; `checked`: of how many the checks have passed.
    `tracks`: where each of several is; `wave` and `reason` are then those of the one that needs a person first."""

    target: int
    phase: Phase = "Progressing"
    reason: Reason = ""
    wave: int = 0
    ready_at: float | None = None
    approved: int = 0
    checked: int = 0
    members: Mapping[str, Member] = field(default_factory=dict)
    tracks: tuple[Position, ...] = ()

    def turned(self, names: Iterable[str], turn: Turn, now: float, assigned: int | None = None) -> "State":
        """The same where these members are at another turn and, unless None, should have another revision."""
        changed = {
            name: replace(
                each,
                turn=turn,
                since=now,
                assigned=each.assigned if assigned is None else assigned,
                reached=now if turn == "given" else each.reached,
                failure="",
            )
            for name, each in self._of(names)
        }
        return replace(self, members={**self.members, **changed})

    def returned(self, names: Iterable[str], now: float) -> "State":
        """The same where these members are on the way back to what they had."""
        back = {
            name: replace(each, turn="back", since=now, assigned=each.before, failure="")
            for name, each in self._of(names)
        }
        return replace(self, members={**self.members, **back})

    def _of(self, names: Iterable[str]) -> Iterable[tuple[str, Member]]:
        return ((name, self.members[name]) for name in names)

    def at(self, *turns: Turn) -> list[str]:
        """The members that are at one of these turns, in the order in which they come."""
        found = [(each.wave, name) for name, each in self.members.items() if each.turn in turns]
        return [name for _, name in sorted(found)]

    def turns(self) -> dict[str, int]:
        """How many members are at which turn."""
        return dict(Counter(each.turn for each in self.members.values()))


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen of a unit. `revision`: that of its workload. `health`: `ready` by the rule of `kubectl rollout
    status`, `moving` towards it, `broken`; `offline` and `paused` are not waited for; `absent`: it has no nodes, or
    stays at a revision by a person's wish. `stuck`: the workload's own deadline is over. `opens_in`: seconds until its
    window opens, 0 while it is open. `restarting`: a pod that is there since the rollout reached it restarted too
    often. `waits`: whether the revision could not be carried out there yet, for another grid."""

    revision: int
    health: Health
    stuck: bool = False
    opens_in: float = 0.0
    restarting: bool = False
    waits: Waits = ""


ABSENT = Seen(0, "absent")
