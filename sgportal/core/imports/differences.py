"""What tells the children of several NodeUnits apart, as entries of `spec.overrides`: worked out from what each child
is to be in the end, and tried by laying it over the template again."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..overrides.merging import DELETE, DIRECTIVE, inner, keys_of
from ..overrides.override import IN_CONTAINER, Unfit, container_names, laid_over, overrides_of
from ..plans.per_unit.layers import without_nulls
from ..schema import Keys, identity

_GONE = {DIRECTIVE: DELETE}


class NotExpressible(Exception):
    """What a NodeUnit's child is to be cannot be said by a patch over the template; `unit` is the first such."""

    def __init__(self, unit: str) -> None:
        super().__init__(unit)
        self.unit = unit


def override_entries(
    template: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]], type_name: str
) -> list[dict[str, Any]]:
    """The entries that make of a template, a spec of `type_name`, what each NodeUnit's child is wanted to be. Units
    that differ in the same way share entries. Raises NotExpressible."""
    alike: dict[str, list[str]] = {}
    names = container_names(template)
    for unit, spec in wanted.items():
        if spec != template:
            patch = _between(template, spec, type_name)
            alike.setdefault(json.dumps(patch), []).append(unit)
    entries = []
    for text, units in alike.items():
        found = [{"units": list(units), **each} for each in _short(json.loads(text), names)]
        _try(template, wanted[units[0]], found, type_name, units[0])
        entries += found
    return entries


def _between(base: Any, new: Any, type_name: str, keys: Keys | None = None) -> Any:
    """The patch that `overrides.merging.merged` makes `new` of `base` with."""
    if isinstance(base, Mapping) and isinstance(new, Mapping):
        gone = {name: _GONE for name in base if name not in new}
        changed = {
            name: _between(base.get(name), each, inner(type_name, name), keys_of(type_name, name))
            for name, each in new.items()
            if name not in base or base[name] != each
        }
        return {**gone, **changed}
    if isinstance(base, list) and isinstance(new, list) and keys:
        return _between_lists(base, new, type_name[1:-1], keys)
    return new


def _between_lists(base: Sequence[Any], new: Sequence[Any], item: str, keys: Keys) -> list[Any]:
    there = {identity(each, keys): each for each in base}
    wanted = {identity(each, keys): each for each in new}
    names = [key for key, _ in keys]
    found: list[Any] = []
    for mark, entry in there.items():
        if mark not in wanted:
            found.append({name: entry[name] for name in names if name in entry} | _GONE)
    for mark, entry in wanted.items():
        if mark not in there:
            found.append(entry)
        elif there[mark] != entry:
            by = {name: entry[name] for name in names if name in entry}
            found.append({**by, **_between(there[mark], entry, item)})
    return found


def _short(patch: Mapping[str, Any], names: Collection[str]) -> list[dict[str, Any]]:
    """A patch as entries in their short forms, as far as it can be, which is for containers of the template alone; the
    rest is an entry with `patch`."""
    rest = json.loads(json.dumps(patch))
    first: dict[str, Any] = {}
    if isinstance(rest.get("replicas"), int):
        first["replicas"] = rest.pop("replicas")
    entries = []
    pod = (rest.get("template") or {}).get("spec") or {}
    containers = pod.get("containers")
    for container in containers if isinstance(containers, list) else ():
        short = {name: container[name] for name in IN_CONTAINER if name in container and not _removes(container[name])}
        if short and DIRECTIVE not in container and container.get("name") in names:
            entries.append({"container": container["name"], **short})
            for name in short:
                del container[name]
    if isinstance(containers, list):
        pod["containers"] = [each for each in containers if set(each) != {"name"}]
    _prune(rest, "template", "spec", "containers")
    if first and entries:
        entries[0] = {**first, **entries[0]}
    elif first:
        entries.append(first)
    if rest:
        entries.append({"patch": rest})
    return entries


def _removes(value: Any) -> bool:
    return DIRECTIVE in json.dumps(value)


def _prune(patch: dict[str, Any], name: str, *inner_names: str) -> None:
    """Take out of a patch what has become empty on the way to a field."""
    if inner_names and isinstance(patch.get(name), dict):
        _prune(patch[name], *inner_names)
    if patch.get(name) in ({}, []):
        del patch[name]


def _try(
    template: Mapping[str, Any],
    wanted: Mapping[str, Any],
    entries: Iterable[Mapping[str, Any]],
    type_name: str,
    unit: str,
) -> None:
    try:
        found = laid_over(template, overrides_of(list(entries)), type_name)
    except Unfit:
        raise NotExpressible(unit) from None
    if _in_order(without_nulls(found), type_name) != _in_order(wanted, type_name):
        raise NotExpressible(unit)


def _in_order(value: Any, type_name: str, keys: Keys | None = None) -> Any:
    """A value with the lists that are merged by key in the order of those, which says nothing."""
    if isinstance(value, Mapping):
        return {name: _in_order(each, inner(type_name, name), keys_of(type_name, name)) for name, each in value.items()}
    if isinstance(value, list):
        found = [_in_order(each, type_name[1:-1]) for each in value]
        return sorted(found, key=lambda each: str(identity(each, keys))) if keys else found
    return value
