"""Which actions may take two people, and how much of a plan a request for approval shows."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

Action = Literal["delete", "drain", "rollback", "decide"]
ACTIONS: tuple[Action, ...] = get_args(Action)

MOST_SHOWN = 2000  # values of a plan that a request keeps
MOST_TEXT = 500  # characters of each of its texts
MORE = "more"  # in the place of what is left out: how many there are


def as_shown(plan: Any) -> Any:
    """What a request for approval shows of a plan, given as JSON: whole where it is small, else its beginning, with the
    number of what is left out of each list as `{"more": 12}`. An approval is for the whole plan, by its id."""
    return _cut(plan, MOST_SHOWN)[0]


def _cut(value: Any, room: int) -> tuple[Any, int]:
    """A value without what is too much of it, and how many values that is."""
    if isinstance(value, str):
        return (value if len(value) <= MOST_TEXT else f"{value[:MOST_TEXT]}…"), 1
    if isinstance(value, Mapping):
        return _cut_mapping(value, room)
    return _cut_list(value, room) if isinstance(value, list | tuple) else (value, 1)


def _cut_list(values: "list[Any] | tuple[Any, ...]", room: int) -> tuple[Any, int]:
    kept: list[Any] = []
    used = 1
    for each in values:
        if used >= room:
            return [*kept, {MORE: len(values) - len(kept)}], used
        cut, count = _cut(each, room - used)
        kept.append(cut)
        used += count
    return kept, used


def _cut_mapping(values: Mapping[str, Any], room: int) -> tuple[Any, int]:
    """What is no list or mapping comes first, then each of those has its share of the room that is left."""
    within = [name for name, each in values.items() if isinstance(each, Mapping | list | tuple)]
    kept: dict[str, Any] = {}
    used = 1
    for name in [name for name in values if name not in set(within)]:
        if used < room:
            kept[name[:MOST_TEXT]], count = _cut(values[name], 1)
            used += count
    for number, name in enumerate(within):
        if (share := (room - used) // (len(within) - number)) > 1:
            kept[name[:MOST_TEXT]], count = _cut(values[name], share)
            used += count
    left = len(values) - len(kept)
    ordered = {name[:MOST_TEXT]: kept[name[:MOST_TEXT]] for name in values if name[:MOST_TEXT] in kept}
    return (ordered | {MORE: left} if left else ordered), used
