"""All cells of several grids at once, for their statuses. Of thousands of rows nearly all say the same of their
NodeUnit and differ in names and counts: what is the same text is read once."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ....core.status.parts import UnitStatus
from ....core.text import NOTHING, Sentence
from ....models.statements import read_json, returned


class Cell(NamedTuple):
    """What a row says: the state of its unit, the generation of the grid by which it was judged, and whether the unit
    has no nodes any more."""

    status: UnitStatus
    generation: int
    is_gone: bool


def read_cells(grids: Sequence[int]) -> dict[int, list[Cell]]:
    """The cells of the grids with these primary keys that have any, each in the order in which they came. One
    statement."""
    sentence, notes, others = _once(_sentence), _once(_notes), _once(read_json)
    found: dict[int, list[Cell]] = {}
    for row in returned(_CELLS, grids=list(grids)):
        grid, generation, is_gone, name, state, reason, message, template, child, *counts = row
        desired, ready, updated, nodes, served, misplaced, told, contested, child_status = counts
        status = UnitStatus(
            name=name,
            state=state,
            reason=reason,
            sentence=sentence(message) or NOTHING,
            template=template,
            child=child,
            desired=desired,
            ready=ready,
            updated=updated,
            nodes=nodes,
            served=served,
            misplaced=tuple(others(misplaced)),
            notes=notes(told),
            contested=sentence(contested),
            child_status=others(child_status),
        )
        found.setdefault(grid, []).append(Cell(status, generation, bool(is_gone)))
    return found


_CELLS = """
    SELECT grid_id, generation, gone_since IS NOT NULL, name, state, reason, message, template, child,
        desired, ready, updated, nodes, served, misplaced, notes, contested, child_status
    FROM sgportal_gridunit WHERE cluster_id = %(cluster)s AND grid_id = ANY(%(grids)s) ORDER BY id
"""


def _once(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return functools.lru_cache(maxsize=1000)(read)


def _sentence(text: str) -> Sentence | None:
    said = read_json(text)
    return Sentence.from_json(said) if said else None


def _notes(text: str) -> tuple[tuple[str, Sentence], ...]:
    return tuple((each["reason"], Sentence.from_json(each["message"])) for each in read_json(text))
