"""How far a rollout is, in numbers and in a sentence."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from ..text import Sentence, say
from .state import Phase, Reason, State
from .strategy import Strategy


@dataclass(frozen=True, slots=True)
class WaveProgress:
    """How many units of a wave are at which turn."""

    name: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many units it has."""
        return sum(self.counts.values())


def of_waves(strategy: Strategy, state: State) -> tuple[WaveProgress, ...]:
    """Each wave with its units."""
    counts: list[Counter[str]] = [Counter() for _ in strategy.waves]
    for each in state.members.values():
        counts[each.wave][each.turn] += 1
    return tuple(WaveProgress(wave.name, dict(found)) for wave, found in zip(strategy.waves, counts, strict=True))


def seconds_left(strategy: Strategy, state: State, now: float) -> float | None:
    """In about how many seconds a rollout is complete that goes on as it went so far; None where that cannot be told:
    no unit is done yet, or a person or a window is waited for."""
    took = [each.took for each in state.members.values() if each.took > 0]
    ahead = strategy.waves[state.wave :]
    asks = any(wave.approval for wave in ahead[state.approved > state.wave :]) or bool(strategy.windows)
    if state.phase != "Progressing" or not took or asks:
        return None
    at_once, each_takes = strategy.at_once(len(state.members)), median(took)
    seconds = 0.0
    for number, wave in enumerate(ahead, state.wave):
        left = sum(each.wave == number and each.turn in ("waiting", "given") for each in state.members.values())
        soaked = now - state.ready_at if number == state.wave and state.ready_at is not None else 0.0
        seconds += -(-left // at_once) * each_takes + max(0.0, wave.soak - soaked if left or soaked else wave.soak)
    return seconds


def sentence_of(strategy: Strategy, state: State) -> Sentence:
    """Where a rollout is and what it waits for."""
    counts = Counter(each.turn for each in state.members.values())
    total, wave = len(state.members), strategy.waves[min(state.wave, len(strategy.waves) - 1)].name
    done = say(
        "revision %(target)s: %(done)s of %(total)s NodeUnits done, %(failed)s failed, %(deferred)s out of reach",
        target=state.target,
        done=counts["done"],
        total=total,
        failed=counts["failed"],
        deferred=counts["deferred"],
    )
    where = _WHERE.get((state.phase, state.reason)) or _WHERE[state.phase, ""]
    return say("%(where)s; %(done)s", where=where.having(wave=wave), done=done)


_WHERE: Mapping[tuple[Phase, Reason], Sentence] = {
    ("Pending", ""): say("the rollout waits to be started"),
    ("Progressing", ""): say("wave “%(wave)s” is being rolled out"),
    ("Progressing", "OutsideWindow"): say("wave “%(wave)s” waits for the time at which its NodeUnits may be changed"),
    ("Progressing", "Soaking"): say("wave “%(wave)s” is done and is being watched"),
    ("Progressing", "CheckingGates"): say("wave “%(wave)s” is done and its checks have not passed yet"),
    ("Halted", "GateFailed"): say("the rollout was halted in wave “%(wave)s”: a check did not pass"),
    ("Progressing", "AwaitingApproval"): say("wave “%(wave)s” is done and waits for approval"),
    ("Progressing", "AwaitingMembers"): say(
        "wave “%(wave)s” is done and waits for the other members of the ServiceGroup"
    ),
    ("Paused", ""): say("the rollout is paused in wave “%(wave)s”"),
    ("Halted", ""): say("the rollout was halted in wave “%(wave)s”: too many NodeUnits failed"),
    ("RollingBack", ""): say("NodeUnits go back to what they had"),
    ("RolledBack", ""): say("the rollout was rolled back"),
    ("Aborted", ""): say("the rollout was aborted in wave “%(wave)s”"),
    ("Superseded", ""): say("another change took the place of this rollout"),
    ("Complete", ""): say("the rollout is complete"),
}
