"""What people ask of a rollout: start, pause, resume, approve, skip, abort, roll back."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from django.db import transaction

from ..core.grids.operations import unknown_units
from ..core.plans.plan import Plan
from ..core.rollouts import verbs
from ..core.rollouts.engine import advance
from ..core.rollouts.state import State
from ..core.rollouts.strategy import Strategy
from ..core.rollouts.together import ALONE, Others, after_those, beside
from ..core.text import Invalid, Problem, pointer, say
from ..models import Grid, ServiceGroup
from ..queries.per_unit.units import units_read_once
from ..queries.plans import plan_at
from ..reconciler.grids.rollouts import package, rows, turn
from ..reconciler.queue import change_log, rollout_keys
from ..reconciler.queue.together import requests_together
from .common import Actor, NotFound, Refused, Stale, as_stored, intent, note, plans_shown, second_person
from .groups import check_group_scope
from .policy import check_open, check_writable

_UNKNOWN = say("“%(unit)s” is no NodeUnit of this ServiceGroup's rollout")


@intent
def steer_rollout(
    grid: Grid,
    verb: verbs.Verb,
    actor: Actor,
    *,
    units: Collection[str] = (),
    tracks: Collection[str] = (),
    expect: str | None = None,
    dry_run: bool = False,
) -> Plan:
    """Do what a person asks of a grid's rollout; `units` are those to skip, `tracks` those that it is asked of, none
    for all. The plan of the units that are given
    another revision at once. `expect` is the ETag that the grid must have. Raises NotFound, Stale, Forbidden, Refused,
    and Invalid for a unit or a track that is none of the rollout's."""
    check_writable(grid)
    with transaction.atomic(), requests_together():
        _, others = package.locked_with_package(grid)  # in order of key, with the grid's own
        row = as_stored(grid, lock=True)
        if expect and expect != row.etag:
            raise Stale(row)
        look = turn.look_at(row)
        if look is None:
            raise Refused(say("there is no rollout of the present version of this grid"))
        if unknown := unknown_units(units, look.state.members):
            raise Invalid(*unknown)
        _check_tracks(verb, look.strategy, units, tracks)
        try:
            after = verbs.done(verb, look.strategy, look.state, look.now, units, tracks)
        except verbs.NotNow as why:
            raise Refused(why.sentence) from None
        planned = _planned(row, look, after)
        if not dry_run:
            _store(row, look, after, verb, units, actor, planned, tracks)
            turn.stop_with(look.before, after, others)
            if verb == "rollback":
                second_person(actor, "rollback", row.path, *plans_shown({row.path: planned}))
            rollout_keys.wake([row, *others])
    return planned


def _check_tracks(verb: verbs.Verb, strategy: Strategy, units: Collection[str], tracks: Collection[str]) -> None:
    """Raises Invalid where these tracks cannot be asked."""
    known = {each.name for each in strategy.tracks} if strategy.is_tracked else set()
    problems = [
        Problem(pointer("tracks", index), say("“%(track)s” is no track of this rollout", track=name[:100]))
        for index, name in enumerate(tracks)
        if name not in known
    ]
    if tracks and verb not in verbs.OF_TRACKS:
        problems.append(Problem("/tracks", verbs.OF_ALL.having(verb=verb)))
    if tracks and units:
        problems.append(Problem("/tracks", say("cannot stand beside units: these are left out of every track")))
    if problems:
        raise Invalid(*problems)


def _planned(grid: Grid, look: turn.Look, after: State, others: Others = ALONE) -> Plan:
    """The steps in the units that are given another revision at once."""
    coming = advance(look.strategy, after, look.seen, look.now, others=others)
    given = {
        name: each.assigned
        for name, each in coming.members.items()
        if name not in look.before.members or each.assigned != look.before.members[name].assigned
    }
    return plan_at(grid, given) if given else Plan(())


def _store(
    grid: Grid,
    look: turn.Look,
    after: State,
    verb: verbs.Verb,
    units: Collection[str],
    actor: Actor,
    planned: Plan,
    tracks: Collection[str] = (),
) -> None:
    rows.store(grid, look.rollout, look.strategy, look.before, after)
    before, now = {"phase": look.before.phase}, {"phase": after.phase, "units": list(units)}
    if tracks:
        now["tracks"] = list(tracks)
    note(actor, f"rollout-{verb}", grid.path, before, now, planned)
    change_log.record("grid", [grid.path])


@intent
def steer_package(
    group: ServiceGroup,
    verb: verbs.Verb,
    actor: Actor,
    *,
    units: Collection[str] = (),
    tracks: Collection[str] = (),
    expect: str | None = None,
    dry_run: bool = False,
) -> dict[str, Plan]:
    """Do what a person asks of the rollout of a package: of every member for which it makes sense now; `units` are
    those to skip, `tracks` those that it is asked of, none for all. By path of these members, the plan of the units
    that are given another revision at once. `expect` is the ETag that the package must have. Raises NotFound, Stale,
    Forbidden, Refused where it makes sense for none, and Invalid for a unit or a track that no member's rollout has."""
    check_open(group.namespace)
    check_group_scope(group.namespace, group.key)
    with transaction.atomic(), requests_together(), units_read_once():
        row = ServiceGroup.objects.select_for_update().filter(pk=group.pk, deleting_since=None).first()
        if row is None:
            raise NotFound(group.path)
        if expect and expect != row.etag:
            raise Stale(row)
        grids = {each.path: each for each in package.members(row)}
        looks = turn.looks_at(grids.values())
        afters = _afters(verb, looks, units, tracks)
        plans = _plans(grids, looks, afters)
        for path, after in afters.items() if not dry_run else ():
            named = [unit for unit in units if unit in after.members]
            _store(grids[path], looks[path], after, verb, named, actor, plans[path], tracks)
        if not dry_run:
            if verb == "rollback":
                second_person(actor, "rollback", row.path, *plans_shown(plans))
            change_log.record("grid", [row.path])
            rollout_keys.wake(grids.values())
    return plans


def _plans(grids: Mapping[str, Grid], looks: Mapping[str, turn.Look], afters: Mapping[str, State]) -> dict[str, Plan]:
    """The plan of each member, which goes as far as the others let it."""
    known = {path: afters.get(path) or look.state for path, look in looks.items()}
    together, plans = package.together(grids.values()), {}
    for path, after in afters.items():
        grid, look = grids[path], looks[path]
        others, waves = together.beside(grid, look.strategy)
        far = beside(look.strategy, [each for name, each in known.items() if name != path])
        others = replace(far, changing=others.changing, units=others.units)
        plans[path] = _planned(grid, look, after_those(look.strategy, after, waves), others)
    return plans


def _afters(
    verb: verbs.Verb, looks: Mapping[str, turn.Look], units: Collection[str], tracks: Collection[str]
) -> dict[str, State]:
    """By path, what becomes of the rollouts of those members for which it makes sense. Raises Invalid, Refused."""
    if not looks:
        raise Refused(say("there is no rollout of the present version of this ServiceGroup"))
    members = [look.state.members for look in looks.values()]
    unknown = [
        Problem(pointer("units", index), _UNKNOWN.having(unit=unit[:100]))
        for index, unit in enumerate(units)
        if not any(unit in each for each in members)
    ]
    if unknown:
        raise Invalid(*unknown)
    _check_tracks(verb, next(iter(looks.values())).strategy, units, tracks)
    found, why = turn.where_possible(verb, looks, units, tracks)
    if not found:
        raise Refused(why[0])
    return found
