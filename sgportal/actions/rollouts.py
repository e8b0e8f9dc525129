"""What people ask of a rollout: start, pause, resume, approve, skip, abort, roll back."""

from collections.abc import Collection

from django.db import transaction

from ..core.grids.operations import unknown_units
from ..core.plans.plan import Plan
from ..core.rollouts import verbs
from ..core.rollouts.engine import advance
from ..core.text import Invalid, say
from ..models import Grid
from ..queries.plans import plan_at
from ..reconciler.grids.rollouts import rows, turn
from ..reconciler.queue import change_log, rollout_keys
from .common import Actor, NotFound, Refused, Stale, intent, note
from .policy import check_writable


@intent
def steer_rollout(
    grid: Grid,
    verb: verbs.Verb,
    actor: Actor,
    *,
    units: Collection[str] = (),
    expect: str | None = None,
    dry_run: bool = False,
) -> Plan:
    """Do what a person asks of a grid's rollout; `units` are those to skip. The plan of the units that are given
    another revision at once. `expect` is the ETag that the grid must have. Raises NotFound, Stale, Forbidden, Refused,
    and Invalid for a unit that is none of the rollout's."""
    check_writable(grid)
    with transaction.atomic():
        row = Grid.objects.filter(pk=grid.pk).locked().first()
        if row is None:
            raise NotFound(grid.path)
        if expect and expect != row.etag:
            raise Stale(row)
        look = turn.look_at(row)
        if look is None:
            raise Refused(say("there is no rollout of the present version of this grid"))
        if unknown := unknown_units(units, look.state.members):
            raise Invalid(*unknown)
        try:
            after = verbs.done(verb, look.strategy, look.state, look.now, units)
        except verbs.NotNow as why:
            raise Refused(why.sentence) from None
        coming = advance(look.strategy, after, look.seen, look.now)
        given = {
            name: each.assigned
            for name, each in coming.members.items()
            if name not in look.before.members or each.assigned != look.before.members[name].assigned
        }
        planned = plan_at(row, given) if given else Plan(())
        if not dry_run:
            rows.store(row, look.rollout, look.strategy, look.before, after)
            before, now = {"phase": look.before.phase}, {"phase": after.phase, "units": list(units)}
            note(actor, f"rollout-{verb}", row.path, before, now, planned)
            change_log.record("grid", [row.path])
            rollout_keys.wake([row])
    return planned
