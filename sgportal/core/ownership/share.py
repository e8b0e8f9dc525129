"""What of a child a grid insists on, and what it leaves to others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..names import GRIDS_OWN_KEYS, UNIT
from .field_paths import Field, Pattern, entry_step, fits, list_keys, resolved, without
from .ignored import Ignored
from .managed_fields import entries_of, is_ours, name_of, node_at

Body = Mapping[str, Any]
# Left out of a template, its number is somebody else's affair: an autoscaler's, or that of whoever scales by hand.
REPLICAS: Field = ("f:spec", "f:replicas")
_REPLICAS: Pattern = ("spec", "replicas")


@dataclass(frozen=True, slots=True)
class Share:
    """`body` is what the grid insists on. Left to others is what `given` patterns mean, and what is in one of the sets
    `held` by the managers named in `spec.ignoreDifferences`."""

    body: Body
    given: tuple[Pattern, ...] = ()
    held: tuple[Mapping[str, Any], ...] = ()

    def is_given(self, field: Field) -> bool:
        """Whether a field is left to whoever sets it."""
        return any(fits(pattern, field) for pattern in self.given)

    def is_left(self, field: Field) -> bool:
        """Whether a field is left to others."""
        return self.is_given(field) or any(node_at(fields, field) is not None for fields in self.held)


def share(desired: Body, live: Body, ignored: Sequence[Ignored], yielded: Iterable[Pattern] = ()) -> Share:
    """What a grid insists on of a child that is there, where `desired` is what it would create. Fields that `yielded`
    patterns mean are left out of its body for a while, and are not others' for that."""
    unset = () if "replicas" in desired["spec"] else (_REPLICAS,)
    pausing = tuple(yielded)
    if not ignored and not pausing:
        return Share(_with_replicas(desired, live) if unset else desired, unset)
    given = [each for entry in ignored if not entry.managers for each in _resolved(entry.paths, desired)]
    held = tuple(_held(live, desired, ignored))
    body = without(desired, [*given, *pausing])
    for fields in held:
        body = _without_set(body, fields)
    found = Share(_with_identity(body, desired), (*given, *unset), held)
    return replace(found, body=_with_replicas(found.body, live)) if found.is_given(REPLICAS) else found


def _with_replicas(body: Body, live: Body) -> Body:
    """`body` with the number of replicas that there is, as long as nobody but us has set it: an apply without it would
    set it to 1."""
    replicas = (live.get("spec") or {}).get("replicas")
    owners = [each for each in entries_of(live) if node_at(each.get("fieldsV1") or {}, REPLICAS) is not None]
    if replicas is None or "replicas" in body["spec"] or not owners or not all(map(is_ours, owners)):
        return body
    return {**body, "spec": {**body["spec"], "replicas": replicas}}


def _resolved(patterns: Iterable[Pattern], desired: Body) -> list[Pattern]:
    return [found for each in patterns if (found := resolved(each, desired)) is not None]


def _held(live: Body, desired: Body, ignored: Iterable[Ignored]) -> Iterable[Mapping[str, Any]]:
    """Of each manager that is named: what it set, as far as the entry's paths mean it."""
    for entry in ignored:
        for each in entries_of(live):
            if {each.get("manager"), name_of(each)} & entry.managers and not is_ours(each):
                fields = each.get("fieldsV1") or {}
                paths = _resolved(entry.paths, desired)
                yield from [_part(fields, path) for path in paths] if entry.paths else [fields]


def _part(fields: Mapping[str, Any], pattern: Pattern) -> dict[str, Any]:
    """The part of a set that a pattern means."""
    if not pattern:
        return dict(fields)
    chosen = {step: inner for step, inner in fields.items() if step != "." and fits(pattern[:1], (step,))}
    parts = {step: _part(inner, pattern[1:]) for step, inner in chosen.items()}
    return {step: part for step, part in parts.items() if part or len(pattern) == 1}


def _without_set(body: Any, fields: Mapping[str, Any], field: Field = ()) -> Any:
    """A copy of `body` without the fields of a set. An entry of a list keeps its keys."""
    if isinstance(body, dict):
        kept = {}
        for name, value in body.items():
            inner = fields.get(f"f:{name}")
            if inner is None:
                kept[name] = value
            elif inner:
                kept[name] = _without_set(value, inner, (*field, f"f:{name}"))
        return kept
    keys = list_keys(field)
    if not keys or not isinstance(body, list | tuple):
        return body
    return [_entry_without_set(entry, fields, keys, field) for entry in body]


def _entry_without_set(entry: Body, fields: Mapping[str, Any], keys: Sequence[str], field: Field) -> Any:
    step = entry_step(entry, keys)
    inner = node_at(fields, (step,))
    if inner is None:
        return entry
    rest = _without_set(entry, inner, (*field, step))
    return {**{key: entry[key] for key in keys if key in entry}, **rest}


def _with_identity(body: Body, desired: Body) -> Body:
    """`body` with what is never left to others: whom the child belongs to, which pods it chooses, where they run."""
    spec = dict(body["spec"])
    if "selector" in desired["spec"]:
        spec["selector"] = desired["spec"]["selector"]
    if "template" in desired["spec"]:
        pod = {**spec["template"]["spec"], "nodeSelector": desired["spec"]["template"]["spec"]["nodeSelector"]}
        spec["template"] = {**_with_unit(spec["template"], desired["spec"]["template"]), "spec": pod}
    return {**body, "metadata": _own_metadata(body["metadata"], desired["metadata"]), "spec": spec}


def _with_unit(template: Body, desired: Body) -> Body:
    """A pod template with the label of its unit, which the child's selector needs, where that is desired."""
    unit = ((desired.get("metadata") or {}).get("labels") or {}).get(UNIT)
    if unit is None:
        return template
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), UNIT: unit}}}


def _own_metadata(metadata: Body, desired: Body) -> Body:
    own = {name: desired[name] for name in ("name", "namespace", "ownerReferences") if name in desired}
    for part in ("labels", "annotations"):
        if part in desired:
            kept = {key: value for key, value in desired[part].items() if key in GRIDS_OWN_KEYS}
            own[part] = {**(metadata.get(part) or {}), **kept}
    return own
