"""One look at the rollout of a grid: what was seen goes to the core, what it decides is stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from ....cluster import Cluster
from ....core.overrides.requests import rollout_text, rollout_words
from ....core.rollouts import verbs
from ....core.rollouts.division import divided
from ....core.rollouts.engine import advance, next_look
from ....core.rollouts.state import Member, Seen, State
from ....core.rollouts.strategy import Strategy
from ....core.rollouts.together import Others, after_those, asked_of, is_given_up, stopped
from ....core.rollouts.tracks import Gates, due_gates
from ....core.rollouts.words import Asked, asked_for
from ....core.text import Invalid, Sentence, say
from ....core.units import Unit
from ....models import Grid, Rollout
from ....queries.freshness import freshness
from ....queries.per_unit.rollouts import latest, state_of
from ....queries.per_unit.units import known_units, units_read_once
from ....queries.plans import spec_of
from ....queries.policy import closed
from ...queue import rollout_keys
from ...queue.together import requests_together
from ..events.grid_events import NewEvent
from ..status import publish
from . import package, rows
from .gates import all_pass

LOOK_SECONDS = 30.0  # between two looks at a rollout that nothing happens to
CHECK_SECONDS = 10.0  # between two times that checks are asked
AGAIN_SECONDS = 5.0  # until the next look where nothing can be decided
GAP_SECONDS = 90.0  # without a look are not held against any unit


def run(path: str, cluster: Cluster) -> float | None:
    """Decide what happens next in the rollout of the grid at a path; seconds until the next look, None where only
    something that happens can change anything."""
    plural, namespace, name = path.split("/")
    grid = Grid.objects.at(plural, namespace, name).first()
    if grid is None or grid.deleting_since or not grid.rollout:
        return None
    if cluster.read_only or closed(namespace) or freshness().unreachable_since:
        return AGAIN_SECONDS
    wait, due = _look(grid, {})
    if due:  # which takes seconds, so that nothing is locked meanwhile
        wait, _ = _look(grid, {gates: all_pass(gates) for gates in due})
    return wait


def _look(grid: Grid, answers: Mapping[Gates, bool]) -> tuple[float | None, list[Gates]]:
    """The same once, where it is known whether these checks passed: seconds until the next look, and the checks that
    are to be asked before."""
    with transaction.atomic(), requests_together():
        row, others = package.locked_with_package(grid)
        look = look_at(row) if row else None
        if row is None or look is None or look.paused:
            return None, []
        together, waves = package.together([row, *others]).beside(row, look.strategy)
        look = replace(look, state=after_those(look.strategy, look.state, waves))
        after = _decide(row, look, answers, together)
        if after != look.before:
            _take_along(after, look, others)
    if due := due_gates(look.strategy, after):
        return CHECK_SECONDS, [gates for gates in due if gates not in answers]
    wait = next_look(look.strategy, after, look.seen, look.now)
    if after.phase in ("Progressing", "RollingBack") or any(each.waits for each in look.seen.values()):
        return min(LOOK_SECONDS, wait or LOOK_SECONDS), []
    return wait, []


def _take_along(after: State, look: "Look", others: Collection[Grid]) -> None:
    """The other members of a package go on, or back, with this one."""
    if after.phase == "RollingBack" and look.before.phase != "RollingBack":
        steer_all(others, "rollback")
    rollout_keys.wake(others)


def stop_with(before: State | None, after: State, others: Collection[Grid]) -> None:
    """Where a person gave up the rollout of one member of a package by itself, those of the others, whose rows are
    locked, stand still."""
    if others and is_given_up(before.phase if before else None, after.phase):
        looks = looks_at(others)
        _steer(others, looks, {path: stopped(look.state) for path, look in looks.items()})


def steer_all(grids: Collection[Grid], verb: verbs.Verb) -> None:
    """Ask this of the rollouts of these grids, whose rows are locked, for which it makes sense now."""
    looks = looks_at(grids)
    _steer(grids, looks, where_possible(verb, looks)[0])


def obey_all(grids: Collection[Grid], words: Sequence[str]) -> None:
    """Do what a verb and the words behind it ask of the rollouts of these members of a package, whose rows are locked.
    What makes sense for none of them is noted at each."""
    looks = looks_at(grids)
    if not looks:
        return
    strategy = next(iter(looks.values())).strategy
    everyone = {name: each for look in looks.values() for name, each in look.state.members.items()}
    try:
        asked = _asked(words, strategy, State(0, members=everyone))
        afters, why = where_possible(asked.verb, looks, asked.units, asked.tracks)
        if not afters:
            raise verbs.NotNow(why[0])
    except verbs.NotNow as not_now:
        _ignored([grid for grid in grids if grid.path in looks], not_now.sentence)
    else:
        _steer(grids, looks, afters)


def _steer(grids: Collection[Grid], looks: Mapping[str, "Look"], afters: Mapping[str, State]) -> None:
    for grid in grids:
        after, look = afters.get(grid.path), looks.get(grid.path)
        if after and look and after != look.before:
            rows.store(grid, look.rollout, look.strategy, look.before, after)
    rollout_keys.wake(grids)


def where_possible(
    verb: verbs.Verb, looks: Mapping[str, "Look"], units: Collection[str] = (), tracks: Collection[str] = ()
) -> tuple[dict[str, State], list[Sentence]]:
    """By path, what becomes of those rollouts for which this makes sense now, and why it does not for the others."""
    found, why = {}, list[Sentence]()
    for path, its in asked_of(units, {path: look.state.members for path, look in looks.items()}).items():
        look = looks[path]
        try:
            found[path] = verbs.done(verb, look.strategy, look.state, look.now, its, tracks)
        except verbs.NotNow as not_now:
            why.append(not_now.sentence)
    return found, why


def _decide(grid: Grid, look: "Look", answers: Mapping[Gates, bool], others: Others) -> State:
    after = advance(look.strategy, look.state, look.seen, look.now, answers, others)
    if after != look.before:
        rows.store(grid, look.rollout, look.strategy, look.before, after)
    elif look.now - look.rollout.looked_at > LOOK_SECONDS / 2:
        Rollout.objects.filter(pk=look.rollout.pk).update(looked_at=look.now)
    return after


@dataclass(frozen=True, slots=True)
class Look:
    """A rollout as it is stored (`before`), and as it is before the next decision (`state`): with the units that
    joined, and without the time in which nobody looked. `seen`: its units `now`, in epoch seconds. `paused`: the grid
    is, so that nothing may be decided."""

    rollout: Rollout
    strategy: Strategy
    before: State
    state: State
    seen: Mapping[str, Seen]
    now: float
    paused: bool


def looks_at(grids: Collection[Grid]) -> dict[str, Look]:
    """By path, the rollouts of those of these grids that have one (`look_at`), whose rows are locked. The nodes, of
    which there may be thousands, are read once for each label key."""
    with units_read_once():
        return {grid.path: look for grid in grids if (look := look_at(grid))}


def look_at(grid: Grid) -> Look | None:
    """The rollout of a grid whose row is locked; None where there is none, or where the grid's own reconcile comes
    first, which holds it against what the grid says now, and has it looked at again."""
    rollout = latest(grid)
    try:
        spec = spec_of(grid)
    except Invalid:
        return None
    if rollout is None or (strategy := spec.rollout) is None or rollout.generation != grid.generation:
        return None
    now = timezone.now().timestamp()
    units = spec.its(known_units(spec.key, with_nodes=True))
    before = state_of(rollout)
    cells = {cell.name: cell for cell in grid.units.all()}
    state = _enrolled(strategy, _patient(before, rollout, now), units, rollout)
    seen = rows.seen_of(spec, strategy, units, cells, state, now)
    return Look(rollout, strategy, before, state, seen, now, spec.requests.paused)


def _patient(state: State, rollout: Rollout, now: float) -> State:
    """The rollout as if a time in which nobody could look had not been: nothing was known of any unit then."""
    gap = now - rollout.looked_at
    if gap < GAP_SECONDS:
        return state
    changing = {name: each for name, each in state.members.items() if each.turn in ("given", "back")}
    later = {name: replace(each, since=each.since + gap) for name, each in changing.items()}
    return replace(state, members={**state.members, **later})


def _enrolled(strategy: Strategy, state: State, units: dict[str, Unit], rollout: Rollout) -> State:
    """The rollout with those units that joined since it began. They have what is proven until their wave comes."""
    fresh = units.keys() - state.members.keys()
    if not fresh or state.phase == "Complete":
        return state
    waves = divided(strategy, units, rollout.seed)
    joined = {name: Member(waves[name], rollout.stable, rollout.stable) for name in fresh}
    return replace(state, members={**state.members, **joined})


def command_of(grid: Grid) -> str:
    """What the annotation asks of the rollout."""
    return rollout_text(grid.metadata.get("annotations"))


def commanded(grid: Grid, strategy: Strategy, rollout: Rollout, state: State) -> State:
    """The rollout after what the grid's annotation asks, once for each text that it has."""
    asked = command_of(grid)
    words = rollout_words(asked)
    if not words or asked == rollout.command:
        rollout.command = asked
        return state
    rollout.command = asked
    try:
        wish = _asked(words, strategy, state)
        return verbs.done(wish.verb, strategy, state, timezone.now().timestamp(), wish.units, wish.tracks)
    except verbs.NotNow as why:
        _ignored([grid], why.sentence)
        return state


def _asked(words: Sequence[str], strategy: Strategy, state: State) -> Asked:
    """What a verb and the words behind it ask. Raises NotNow where one of them is a slip."""
    asked = asked_for(words, strategy, state)
    if asked.unknown:
        text = say("“%(word)s” is neither a track nor a NodeUnit of the rollout", word=asked.unknown[0][:100])
        raise verbs.NotNow(text)
    if asked.tracks and asked.verb not in verbs.OF_TRACKS:
        raise verbs.NotNow(verbs.OF_ALL.having(verb=asked.verb))
    return asked


def _ignored(grids: Sequence[Grid], why: Sentence) -> None:
    publish.tell(grids, NewEvent("", "RolloutCommandIgnored", why, warning=True))
