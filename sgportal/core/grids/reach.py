"""Which NodeUnits a change of a grid is about: those that it names, where it says nothing of any other.

What is changed with kubectl may be no valid grid, before or after; of what has another shape nothing is said here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..names import APPROVED_UNITS, PAUSED_UNITS, RESTARTED_UNITS, label_value_problem
from ..overrides.requests import restarted_units, units_in

Entry = Mapping[str, Any]  # of `spec.overrides`, without its units
_BY_NAME = (PAUSED_UNITS, APPROVED_UNITS, RESTARTED_UNITS)  # annotations that name NodeUnits


@dataclass(slots=True)
class Overrides:
    """What `spec.overrides` says of NodeUnits by name (`of`, each with how many entries for others stand before it),
    and of NodeUnits by their labels (`rest`)."""

    of: dict[str, list[tuple[int, Entry]]] = field(default_factory=dict)
    rest: list[Entry] = field(default_factory=list)


def overrides_by_unit(entries: Any) -> Overrides:
    """The entries by the NodeUnits they are for."""
    found = Overrides()
    for entry in filter(_is_mapping, listed(entries)):
        if entry.get("unitSelector") is not None:
            found.rest.append(entry)
            continue
        said = {name: value for name, value in entry.items() if name not in ("units", "unitSelector")}
        for unit in listed(entry.get("units")):
            if isinstance(unit, str):
                found.of.setdefault(unit, []).append((len(found.rest), said))
    return found


def units_alone(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> frozenset[str]:
    """The NodeUnits that two manifests of a grid treat differently, where each is named; none where the change is
    about others as well, or about the grid as a whole, which is new where there is nothing `before`."""
    if before is None:
        return frozenset()
    spec, new = before["spec"], after["spec"]
    if _without(spec, "overrides", "templates") != _without(new, "overrides", "templates"):
        return frozenset()
    if _metadata(before) != _metadata(after):
        return frozenset()
    was, now = overrides_by_unit(spec.get("overrides")), overrides_by_unit(new.get("overrides"))
    if was.rest != now.rest:
        return frozenset()
    found = {unit for unit in {*was.of, *now.of} if was.of.get(unit) != now.of.get(unit)}
    found |= _differing(_mapping(spec.get("templates")), _mapping(new.get("templates")))
    found = found.union(*(units_annotated(before, after, name) for name in _BY_NAME))
    return frozenset(unit for unit in found if label_value_problem(unit) is None)


def units_annotated(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> set[str]:
    """The NodeUnits of which an annotation that names some says something else."""
    return _differing(_said(before, name), _said(after, name))


def overridden(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[list[str], Entry | None]]:
    """What is newly said of NodeUnits by name in the second of two specs, with all of which it is said; None of those
    of which nothing is said any more."""
    was, now = (overrides_by_unit(each.get("overrides")).of for each in (before, after))
    found: dict[str, tuple[list[str], Entry | None]] = {}
    for unit in dict.fromkeys([*now, *was]):
        old = [entry for _, entry in was.get(unit, ())]
        fresh: list[Entry | None] = [entry for _, entry in now.get(unit, ()) if entry not in old]
        for each in fresh or ([None] if unit not in now else []):
            found.setdefault(json.dumps(each, sort_keys=True), ([], each))[0].append(unit)
    yield from found.values()


def _said(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    annotations = _mapping(manifest["metadata"].get("annotations"))
    return restarted_units(annotations) if name == RESTARTED_UNITS else dict.fromkeys(units_in(annotations, name), True)


def _metadata(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What people say of the grid as a whole."""
    metadata = manifest["metadata"]
    return {
        "labels": metadata.get("labels") or {},
        "annotations": _without(_mapping(metadata.get("annotations")), *_BY_NAME),
    }


def _without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """What should be a list; an empty one where it is none."""
    return value if isinstance(value, list | tuple) else ()
