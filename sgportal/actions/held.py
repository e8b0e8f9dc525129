"""What a person decides about things that wait while everything else goes on."""

from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction

from ..core.fleet.halt import RESTORE
from ..core.fleet.held import CHILD_DELETION, DELETE, GRID_GONE, Choice, Kind
from ..core.plans.retirement import APPROVED, HELD, KEPT
from ..core.text import say
from ..models import Grid
from ..models.intent import GridQuerySet
from ..queries.held import Held, held
from ..reconciler.fleet import halt
from ..reconciler.queue import change_log, workqueue
from .common import Actor, Refused, Stale, intent, note

NEVER_PUT_THERE: dict[str, Any] = {"cluster_uid": "", "cluster_generation": 0, "pushed_generation": 0}


@intent
def decide_held(choice: str, ids: Collection[str], actor: Actor, *, dry_run: bool = False) -> list[Held]:
    """Do with these of `queries.held` as a person chose; those that were decided. All or none.

    Raises Refused where one of them does not offer the choice, Stale where one is not as it was shown.
    """
    with transaction.atomic():
        found = {each.id: each for each in held()}
        if not found.keys() >= set(ids):
            raise Stale(None)
        decided = [found[each] for each in dict.fromkeys(ids)]
        for each in decided:
            if choice not in each.choices:
                kinds = ", ".join(each.choices)
                raise Refused(say("this cannot be chosen here; it must be one of %(kinds)s", kinds=kinds))
        if not dry_run:
            _carry_out(choice, decided, actor)
    return decided


def _carry_out(choice: Any, decided: list[Held], actor: Actor) -> None:
    for each in decided:
        _BY_KIND[each.kind](each, choice)
        note(actor, choice, each.grid.path, {"waiting": each.kind, "units": list(each.units)}, None)
    paths = [each.grid.path for each in decided]
    workqueue.request(paths, urgent=True)
    change_log.record("grid", paths)
    change_log.record("cluster", [halt.CHANGE_LOG_KEY])


def settle_missing(rows: GridQuerySet, restore: bool) -> None:
    """Have grids whose custom resources are gone made anew in the cluster, or forgotten."""
    if restore:
        rows.update(**NEVER_PUT_THERE, missing_since=None, missing_held=False, deleting_since=None)
    else:
        rows.update(may_be_forgotten=True, missing_held=False)


def _grid_gone(each: Held, choice: Choice) -> None:
    settle_missing(Grid.objects.filter(pk=each.grid.pk), choice == RESTORE)


def _child_deletion(each: Held, choice: Choice) -> None:
    rows = each.grid.units.filter(name__in=each.units, retirement=HELD)
    rows.update(retirement=APPROVED if choice == DELETE else KEPT, failures=0, next_at=None)


_BY_KIND: dict[Kind, Callable[[Held, Choice], None]] = {GRID_GONE: _grid_gone, CHILD_DELETION: _child_deletion}
