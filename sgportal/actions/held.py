"""What a person decides about things that wait while everything else goes on."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, cast

from django.db import transaction
from django.db.models import Q

from ..core.fleet.halt import RESTORE
from ..core.fleet.held import CHILD_DELETION, DELETE, GRID_GONE, Choice, Kind
from ..core.plans.retirement import APPROVED, HELD, KEPT
from ..core.text import Invalid, Problem, say
from ..models import Grid, GridUnit
from ..models.intent import GridQuerySet
from ..queries.held import Held, HeldPlan, held, plan_of_decision
from ..reconciler.fleet import halt
from ..reconciler.grids.resource.absence import NOT_MISSING
from ..reconciler.queue import change_log, workqueue
from .common import Actor, Refused, Stale, check_agreed, intent, note, second_person

NEVER_PUT_THERE: dict[str, Any] = {"cluster_uid": "", "cluster_generation": 0, "pushed_generation": 0}


@intent
def decide_held(
    choice: str, ids: Collection[str], actor: Actor, *, units: Sequence[str] | None = None, dry_run: bool = False
) -> tuple[list[Held], HeldPlan]:
    """Do with these of `queries.held` as a person chose; those that were decided, and what that comes to. All or none.
    With `units` only the workloads in these NodeUnits are decided about, the others go on waiting.

    Raises Refused where one of them does not offer the choice, Stale where one is not as it was shown, Invalid where
    nothing of them waits in one of the units, PlanChanged where another plan was agreed to.
    """
    with transaction.atomic():
        if not dry_run:
            _lock()
        found = {each.id: each for each in held()}
        if not found.keys() >= set(ids):
            raise Stale(None)
        decided = [found[each] for each in dict.fromkeys(ids)]
        for each in decided:
            if choice not in each.choices:
                kinds = ", ".join(each.choices)
                raise Refused(say("not a valid choice; it must be one of %(kinds)s", kinds=kinds))
        if units is not None:
            decided = _in_units(decided, units)
        planned = plan_of_decision(cast(Choice, choice), decided)
        if not dry_run:
            check_agreed(lambda: planned.id)
            _carry_out(choice, decided, actor)
            shown = {"choice": choice, "grids": {each.grid.path: list(each.units) for each in decided}}
            second_person(actor, "decide", "decisions", planned.id, shown)
    return decided, planned


def _lock() -> None:
    """Keep all that waits as it is until the transaction ends; cells after their grids, as everywhere. Two queries."""
    gone = Grid.objects.missing().filter(missing_held=True).values("pk")
    leaving = GridUnit.objects.filter(retirement=HELD).values("grid")
    list(Grid.objects.filter(Q(pk__in=gone) | Q(pk__in=leaving)).locked().values_list("pk"))
    list(GridUnit.objects.select_for_update().filter(retirement=HELD).order_by("pk").values_list("pk"))


def _in_units(decided: Sequence[Held], units: Sequence[str]) -> list[Held]:
    """What waits in these units alone."""
    if not units:
        raise Invalid(Problem("/units", say("name at least one NodeUnit")))
    waiting = {unit for each in decided for unit in each.units}
    problems = [
        Problem(f"/units/{index}", say("no workload of “items” waits in NodeUnit “%(unit)s”", unit=unit))
        for index, unit in enumerate(units)
        if unit not in waiting
    ]
    if problems:
        raise Invalid(*problems)
    mine = [replace(each, units=tuple(unit for unit in each.units if unit in units)) for each in decided]
    return [each for each in mine if each.units]


def _carry_out(choice: Any, decided: list[Held], actor: Actor) -> None:
    for each in decided:
        _BY_KIND[each.kind](each, choice)
        note(actor, choice, each.grid.path, {"waiting": each.kind, "units": list(each.units)}, None)
    paths = [each.grid.path for each in decided]
    workqueue.enqueue(paths, urgent=True)
    change_log.record("grid", paths)
    change_log.record("cluster", [halt.CHANGE_LOG_KEY])


def settle_missing(rows: GridQuerySet, restore: bool) -> None:
    """Have grids whose custom resources are gone made anew in the cluster, or forgotten."""
    if restore:
        rows.update(**NEVER_PUT_THERE, **NOT_MISSING, deleting_since=None)
    else:
        rows.update(may_be_forgotten=True, missing_held=False)


def _grid_gone(each: Held, choice: Choice) -> None:
    settle_missing(Grid.objects.filter(pk=each.grid.pk), choice == RESTORE)


def _child_deletion(each: Held, choice: Choice) -> None:
    rows = each.grid.units.filter(name__in=each.units, retirement=HELD)
    rows.update(retirement=APPROVED if choice == DELETE else KEPT, failures=0, next_at=None)


_BY_KIND: dict[Kind, Callable[[Held, Choice], None]] = {GRID_GONE: _grid_gone, CHILD_DELETION: _child_deletion}
