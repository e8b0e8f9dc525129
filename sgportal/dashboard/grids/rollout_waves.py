"""The waves of a rollout as pages show them: a bar, a table, and the words for what they are at."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from ...core.rollouts.progress import WaveProgress, of_tracks, of_waves
from ...core.rollouts.state import State
from ...core.rollouts.strategy import Strategy
from ...core.rollouts.tracks import is_approved, is_present
from ...core.rollouts.verbs import Verb
from ..page.tags import duration

WORDS: dict[str, Promise] = {
    "waiting": gettext_lazy("Waiting"),
    "given": gettext_lazy("Updating"),
    "done": gettext_lazy("Done"),
    "failed": gettext_lazy("Failed"),
    "deferred": gettext_lazy("Out of reach"),
    "skipped": gettext_lazy("Skipped"),
    "back": gettext_lazy("Going back"),
    "restored": gettext_lazy("Rolled back"),
}
FAILED_BY: dict[str, Promise] = {
    "DeadlineExceeded": gettext_lazy("It was not ready in time."),
    "TooManyRestarts": gettext_lazy("One of its new pods restarted too often."),
}
PHASES: dict[str, Promise] = {
    "Pending": gettext_lazy("Not started"),
    "Progressing": gettext_lazy("In progress"),
    "Paused": gettext_lazy("Paused"),
    "Halted": gettext_lazy("Halted"),
    "RollingBack": gettext_lazy("Rolling back"),
    "RolledBack": gettext_lazy("Rolled back"),
    "Aborted": gettext_lazy("Aborted"),
    "Superseded": gettext_lazy("Superseded"),
    "Complete": gettext_lazy("Complete"),
}
# The state whose colour a phase, or a unit's turn, is shown in.
LOOK = {
    "Progressing": "Progressing",
    "RollingBack": "Progressing",
    "Pending": "Paused",
    "Paused": "Paused",
    "Aborted": "Paused",
    "RolledBack": "Paused",
    "Superseded": "Paused",
    "Halted": "Blocked",
    "Complete": "Ready",
}
_COLUMNS = ("done", "given", "failed", "deferred", "waiting")
_ALONG = ("done", "failed", "given", "back", "restored", "deferred", "skipped", "waiting")  # in a wave, from the left
WIDTH = 1000  # of the bar, in its own units
GAP = 16  # between waves
LEAST = 8  # that a segment is wide, however few units it stands for


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar: the units of a wave that are at one turn."""

    x: int
    width: int
    turn: str
    text: str


def told(
    strategy: Strategy,
    state: State,
    seconds: float | None,
    to_approval: float | None,
    asked: Callable[[str], Collection[Verb]],
) -> dict[str, Any]:
    """What the pages of a rollout show of it; `asked`: what may be asked of one track alone, by its name."""
    waves = of_waves(strategy, state)
    segments, turns = bar([each for each in waves if each.total]), state.turns()
    return {
        "phase": PHASES[state.phase],
        "phase_state": LOOK[state.phase],
        "begun": state.phase != "Pending",
        "done": turns.get("done", 0),
        "total": len(state.members),
        "minutes": max(1, round(seconds / 60)) if seconds is not None else None,
        "to_approval": max(1, round(to_approval / 60)) if to_approval else None,
        "columns": [WORDS[each] for each in _COLUMNS],
        "waves": list(_rows(strategy, state, waves)),
        "tracks": list(_tracks(strategy, state, waves, asked)),
        "bar": segments,
        "bar_width": WIDTH,
        "spoken": _spoken(gettext("Waves"), segments),
        "legend": [(turn, WORDS[turn], turns[turn]) for turn in _ALONG if turns.get(turn)],
    }


def _spoken(what: str, segments: Sequence[Segment]) -> str:
    return what + ": " + "; ".join(each.text for each in segments)


def _tracks(
    strategy: Strategy, state: State, waves: Sequence[WaveProgress], asked: Callable[[str], Collection[Verb]]
) -> Iterator[dict[str, Any]]:
    """Each track that has units: its bar, where it is, and what can be asked of it alone."""
    for found in of_tracks(strategy, state):
        segments = bar([each for each in waves[found.track.begin : found.track.end] if each.total])
        yield {
            "name": found.name,
            "bar": segments,
            "spoken": _spoken(found.name, segments),
            "sentence": found.sentence,
            "paused": found.paused,
            "is_over": found.is_over,
            "done": found.counts.get("done", 0),
            "total": found.total,
            "verbs": asked(found.name),
        }


def bar(waves: Sequence[WaveProgress]) -> list[Segment]:
    """The segments of the bar, wave by wave, as wide as they have units."""
    shown = [(wave, turn, wave.counts[turn]) for wave in waves for turn in _ALONG if wave.counts.get(turn)]
    total = sum(count for _, _, count in shown)
    room = WIDTH - GAP * max(0, len(waves) - 1) - LEAST * len(shown)
    found, x, before = [], 0, waves[0] if waves else None
    for wave, turn, count in shown:
        x += GAP if wave is not before else 0
        width = LEAST + max(0, room) * count // total
        found.append(Segment(x, width, turn, f"{wave.name}: {WORDS[turn]} {count}"))
        x, before = x + width, wave
    return found


def _rows(strategy: Strategy, state: State, waves: Sequence[WaveProgress]) -> Iterator[dict[str, Any]]:
    """Each wave that has units, with how many are at which turn."""
    for number, (wave, each) in enumerate(zip(strategy.waves, waves, strict=True)):
        if not each.total:
            continue
        yield {
            "name": strategy.title(number),
            "total": each.total,
            "counts": [(WORDS[turn], each.counts.get(turn, 0)) for turn in _COLUMNS],
            "others": ", ".join(
                f"{WORDS[turn]} {count}" for turn, count in each.counts.items() if turn not in _COLUMNS and count
            ),
            "watched": duration(wave.soak, "for") if wave.soak else "",
            "approval": wave.approval,
            "approved": is_approved(strategy, state, number),
            "current": is_present(strategy, state, number) and state.phase not in ("Complete", "RolledBack"),
        }
