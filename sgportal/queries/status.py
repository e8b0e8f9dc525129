"""What the rows of a grid and of its cells say of its status."""

from typing import Any, cast

from django.db.models import Subquery

from ..core.health import State
from ..core.status.manifest import units_json
from ..core.status.parts import UnitStatus
from ..core.status.status import status_of
from ..core.text import Sentence
from ..models import Grid, GridUnit, WorkKey

_OF_PART = ("truncated", "omittedUnits", "unitsByState")  # what only a status that leaves something out has


def unit_status(cell: GridUnit) -> UnitStatus:
    """The state of a unit as its row has it."""
    return UnitStatus(
        name=cell.name,
        state=cast(State, cell.state),
        reason=cell.reason,
        sentence=cell.sentence,
        template=cell.template,
        child=cell.child,
        desired=cell.desired,
        ready=cell.ready,
        updated=cell.updated,
        nodes=cell.nodes,
        served=cell.served,
        misplaced=tuple(cell.misplaced),
        notes=tuple(cell.told),
        contested=Sentence.from_json(cell.contested) if cell.contested else None,
        child_status=cell.child_status,
    )


def trouble(key: str) -> Subquery:
    """Why the last try to carry out what is wanted of a work key went wrong, in the words of the error; null where it
    did not. To annotate a row with, so that a page asks no further query for it."""
    return Subquery(WorkKey.objects.filter(key=key, failures__gt=0).values("error")[:1])


def whole_status(grid: Grid) -> dict[str, Any]:
    """The status of a grid with all of its units, however many there are; the custom resource has the most important
    of a large one's only. One query there, else none."""
    if not grid.status.get("truncated"):
        return dict(grid.status)
    status = status_of(unit_status(cell) for cell in grid.units.all())
    found = {key: value for key, value in grid.status.items() if key not in _OF_PART}
    found["conditions"] = [_with_whole_message(grid, each) for each in found["conditions"]]
    if unused := grid.whole.get("unusedTemplates"):
        found["unusedTemplates"] = unused
    return {**found, **units_json(status)}


def _with_whole_message(grid: Grid, condition: dict[str, Any]) -> dict[str, Any]:
    sentence = grid.sentences.get(condition["type"])
    return {**condition, "message": str(Sentence.from_json(sentence))} if sentence else condition
