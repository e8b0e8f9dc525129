"""The members of a ServiceGroup: what each has from the package, and how the package reads once they were edited."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..names import DEPENDS_ON, PAUSED
from .kinds import API_VERSION, KINDS
from .order import depends_on, place_of

Manifest = Mapping[str, Any]
Spec = Mapping[str, Any]


def completed(member: Manifest, namespace: str, spec: Spec) -> dict[str, Any]:
    """The manifest of a member with what it has from the package: apiVersion, namespace and gridUniqKey; `rollout`,
    unless it says its own; that it is paused; and whom it waits for."""
    metadata, own = member["metadata"], {key: value for key, value in member["spec"].items() if value is not None}
    inherited, written = _annotations(member, spec), metadata.get("annotations")
    if inherited and isinstance(written, Mapping | None):
        metadata = {**metadata, "annotations": {**(written or {}), **inherited}}
    return {
        **member,
        "apiVersion": API_VERSION,
        "metadata": {**metadata, "namespace": namespace},
        "spec": {"gridUniqKey": spec["gridUniqKey"], **_rollout(member, spec), **own},
    }


def rewritten(spec: Spec, namespace: str, sources: Sequence[Manifest]) -> dict[str, Any]:
    """The spec of a package whose members are now these grids, as people write them: an entry that comes to the same
    grid stays as it was written, the entry of a grid that is gone goes."""
    left = {_place(each): each for each in sources}
    gone = {each for entry in spec["grids"] if (each := _place(entry)) not in left}
    spec = without_names(spec, {f"{KINDS[kind].plural}/{name}" for kind, name in gone})
    entries = []
    for entry in spec["grids"]:
        source = left.pop(_place(entry), None)
        if source is not None:
            entries.append(entry if _same(completed(entry, namespace, spec), source) else _lean(source, spec))
    return {**spec, "grids": [*entries, *(_lean(each, spec) for each in left.values())]}


def without_names(spec: Spec, gone: Collection[str]) -> dict[str, Any]:
    """The spec of a package where `dependsOn` does not name these members, as `<plural>/<name>`."""
    order = {
        who: [each for each in on if place_of(each) not in gone]
        for who, on in (spec.get("dependsOn") or {}).items()
        if place_of(who) not in gone
    }
    order = {who: on for who, on in order.items() if on}
    if order == (spec.get("dependsOn") or {}) or not gone:
        return dict(spec)
    rest = {key: value for key, value in spec.items() if key != "dependsOn"}
    return {**rest, "dependsOn": order} if order else rest


def _rollout(member: Manifest, spec: Spec) -> dict[str, Any]:
    wanted = spec.get("rollout") is not None and KINDS[member["kind"]].child_kind != "Service"
    return {"rollout": spec["rollout"]} if wanted else {}


def _annotations(member: Manifest, spec: Spec) -> dict[str, str]:
    waits_for = ",".join(depends_on(spec, member["kind"], member["metadata"]["name"]))
    return {**({PAUSED: "true"} if spec.get("paused") else {}), **({DEPENDS_ON: waits_for} if waits_for else {})}


def _lean(source: Manifest, spec: Spec) -> dict[str, Any]:
    """A grid as an entry of the package: without what it has from the package."""
    metadata, given = source["metadata"], {"gridUniqKey": spec["gridUniqKey"], **_rollout(source, spec)}
    inherited = _annotations(source, spec)
    annotations = _without(metadata.get("annotations") or {}, inherited)
    return {
        "kind": source["kind"],
        "metadata": {
            "name": metadata["name"],
            **({"labels": metadata["labels"]} if metadata.get("labels") else {}),
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": _without(source["spec"], given),
    }


def _without(whole: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if key not in given or given[key] != value}


def _place(member: Manifest) -> tuple[str, str]:
    return member["kind"], member["metadata"]["name"]


def _same(one: Manifest, other: Manifest) -> bool:
    return one["spec"] == other["spec"] and all(_part(one, name) == _part(other, name) for name in _PARTS)


_PARTS = ("labels", "annotations")


def _part(member: Manifest, name: str) -> Mapping[str, Any]:
    return member["metadata"].get(name) or {}
