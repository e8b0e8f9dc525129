"""What the annotation `operation` asks of a grid, done once: the transaction that does it notes that it is done."""

from typing import Any

from django.db import transaction

from ...core.grids import operations
from ...core.grids.grid import parse
from ...core.grids.reach import units_alone
from ...core.overrides.operation import Operation, operation_of, operation_text
from ...core.text import Invalid, Problem, say
from ...models import AuditEvent, Grid
from ...queries.per_unit.pins import is_stored, pin_problems
from ...queries.per_unit.units import known_units, units_for
from ...queries.plans import spec_of
from ..queue import change_log
from ..queue.together import requests_together
from .events.grid_events import NewEvent
from .resource import edits
from .status.publish import tell

MOST_SHOWN = 200  # characters of what somebody wrote


def carry_out(grid: Grid) -> bool:
    """Do what the annotation of a grid asks, once for each text that it has; whether the grid is to be looked at anew.
    What makes no sense is told as an Event, and changes nothing."""
    if operation_text(grid.metadata.get("annotations")) == grid.operation:
        return False
    with transaction.atomic(), requests_together():
        row = Grid.objects.filter(pk=grid.pk, deleting_since=None).locked().first()
        if row is not None:
            _carry_out(row)
    return True


def _carry_out(row: Grid) -> None:
    asked, before = operation_text(row.metadata.get("annotations")), row.operation
    if asked == before:
        return  # another was faster
    row.operation = asked
    Grid.objects.filter(pk=row.pk).update(operation=asked)
    if before is None:
        return
    try:
        operation = operation_of(asked)
        if operation is not None:
            _do(row, operation)
            tell([row], done(asked))
    except Invalid as invalid:
        tell([row], ignored(asked, invalid))


def done(asked: str) -> NewEvent:
    """That what was asked is done."""
    return NewEvent("", "OperationDone", say("“%(text)s” is done", text=asked[:MOST_SHOWN]))


def ignored(asked: str, invalid: Invalid) -> NewEvent:
    """That what was asked makes no sense, and why."""
    text = say("“%(text)s” is not done: %(why)s", text=asked[:MOST_SHOWN], why=invalid.problems[0].sentence)
    return NewEvent("", "OperationIgnored", text, warning=True)


def not_stored(number: int, latest: int) -> Invalid:
    """That there is no revision of a number, and which there are."""
    text = say("revision %(number)s is not stored; the latest is %(latest)s", number=number, latest=latest)
    return Invalid(Problem("/revision", text))


def _do(row: Grid, operation: Operation) -> None:
    if operation.verb in ("pin", "unpin"):
        _pin(row, operation)
        return
    if operation.verb == "restore":
        if not is_stored(row, operation.revision):
            raise not_stored(operation.revision, row.generation)
        source = row.revisions.get(number=operation.revision).source()
        manifest = operations.asking_as(source, row.metadata.get("annotations"))
    else:
        spec = spec_of(row)
        if spec.kind.child_kind == "Service":
            raise Invalid(Problem("/image", say("a ServiceGrid has no image")))
        if operation.units and (unknown := operations.unknown_units(operation.units, units_for(spec))):
            raise Invalid(*unknown)
        manifest = operations.set_image(row.source(), operation.units, operation.image, operation.container)
    _save(row, manifest)


def _save(row: Grid, manifest: dict[str, Any]) -> None:
    before = row.source()
    if manifest == before:
        return
    units = known_units(parse(manifest).key, with_nodes=True)
    parse(manifest, units, None, units)
    row.revise(manifest, "cluster")
    _note("change", row, before, row.source()).is_about((row.key, each) for each in units_alone(before, row.source()))
    edits.wake_group(row)


def _pin(row: Grid, operation: Operation) -> None:
    number = operation.revision if operation.verb == "pin" else None
    if number is not None and not is_stored(row, number):
        raise not_stored(number, row.generation)
    if problems := pin_problems(row, operation.units, number):
        raise Invalid(*problems)
    rows = row.units.filter(name__in=operation.units)
    before = dict(rows.values_list("name", "pinned"))
    rows.update(pinned=number, failures=0, next_at=None)
    _note(operation.verb, row, before, dict.fromkeys(operation.units, number))


def _note(verb: str, row: Grid, before: Any, after: Any) -> AuditEvent:
    change_log.record("grid", [row.path])
    return AuditEvent.objects.observe(verb, row.path, before=before, after=after)
