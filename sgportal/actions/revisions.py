"""Going back to a stored revision of a grid, also of one that was deleted; in all NodeUnits, or in some of them."""

from collections.abc import Collection

from django.db import transaction

from ..core.grids.operations import asking_as
from ..core.plans.plan import Plan
from ..core.text import Invalid
from ..models import Grid, Revision
from ..queries.per_unit.pins import pin_problems
from ..queries.plans import plan_pinned
from ..reconciler.queue import change_log, workqueue
from ..reconciler.queue.together import requests_together
from .common import Actor, NotFound, Stale, as_stored, intent, note, plans_shown, second_person, together_with
from .grids import Saved, save_grids
from .policy import check_writable


@intent
def restore_revision(
    path: str, number: int, actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """Make the grid at `path` what its revision `number` says; a grid that was deleted is created anew. What is asked
    of it by its annotations stays as it is.

    Revision numbers begin anew with each grid of a name: the latest of that number counts. `expect` is the ETag that an
    existing grid must have. Raises NotFound for a revision that is not stored, and whatever `save_grids` raises.
    """
    revision = Revision.objects.filter(path=path, number=number).order_by("-created_at").first()
    if revision is None:
        raise NotFound(f"{path}@{number}")
    found = Grid.objects.at(*path.split("/")).first()
    manifest = asking_as(revision.source(), found.metadata.get("annotations") if found else None)
    with together_with("rollback"):
        saved = save_grids([manifest], actor, expect=expect, dry_run=dry_run)[0]
        if not dry_run:
            second_person(actor, "rollback", path, *plans_shown({path: saved.plan}, number))
    return saved


@intent
def pin_units(
    grid: Grid,
    units: Collection[str],
    number: int | None,
    actor: Actor,
    *,
    expect: str | None = None,
    dry_run: bool = False,
) -> Plan:
    """Have these NodeUnits stay at a revision of their grid, whatever becomes of the grid; None: follow it again. The
    plan for them. `expect` is the ETag that the grid must have. Raises NotFound, Forbidden, Stale, and Invalid for a
    unit that the grid does not have or a revision that is not stored."""
    check_writable(grid, units)
    with transaction.atomic(), requests_together():
        row = as_stored(grid, lock=not dry_run)
        if expect and expect != row.etag:
            raise Stale(row)
        if problems := pin_problems(row, units, number):
            raise Invalid(*problems)
        planned = plan_pinned(row, units, number)
        if not dry_run:
            rows = row.units.filter(name__in=units)
            before = dict(rows.values_list("name", "pinned"))
            rows.update(pinned=number, failures=0, next_at=None)
            note(actor, "unpin" if number is None else "pin", row.path, before, dict.fromkeys(units, number), planned)
            change_log.record("grid", [row.path])
            workqueue.enqueue([row.path], urgent=True)
    return planned
