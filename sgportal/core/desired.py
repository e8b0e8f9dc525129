"""Which children a grid should have: SuperEdge's names, labels and templates, without its defects."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .grid import GridSpec
from .names import (
    GRID_SELECTOR,
    GRID_UNIQ_KEY,
    LAST_APPLIED,
    OWNER_UID,
    TOPOLOGY_KEYS,
    as_label_value,
    child_name,
    child_name_problem,
)
from .text import Sentence, say


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom the children belong to. `uid` identifies the grid; `reference` says whether the cluster holds it as an
    object of that uid, so that an ownerReference may point to it (a dangling one would make the cluster's garbage
    collector delete the child). `row_uid` marks children made while the cluster did not hold the grid."""

    uid: str
    reference: bool
    row_uid: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """An object that should exist. `unit` and `template` are "" for a Service."""

    unit: str
    template: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["metadata"]["name"])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one unit ("" for the grid itself) that a person should know; `reason` is CamelCase."""

    unit: str
    reason: str
    sentence: Sentence


def desired(spec: GridSpec, units: Collection[str], owner: Owner) -> tuple[tuple[Child, ...], tuple[Finding, ...]]:
    """The children a grid should have for these units, in order of unit, and the units that can have none and why."""
    children, findings = [], []
    for unit in [""] if spec.kind.child_kind == "Service" else sorted(units):
        finding = _refusal(spec, unit)
        if finding:
            findings.append(finding)
        else:
            children.append(_child(spec, unit, owner))
    return tuple(children), tuple(findings)


def _refusal(spec: GridSpec, unit: str) -> Finding | None:
    name = child_name(spec.name, spec.kind.child_kind, unit)
    if problem := child_name_problem(name, spec.kind.child_kind):
        return Finding(unit, "InvalidName", problem)
    if unit and spec.template_of(unit) is None:
        wanted = spec.template_name(unit)
        return Finding(unit, "TemplateNotFound", say("there is no template “%(name)s” in templatePool", name=wanted))
    return None


def _child(spec: GridSpec, unit: str, owner: Owner) -> Child:
    kind = spec.kind
    metadata: dict[str, Any] = {
        "name": child_name(spec.name, kind.child_kind, unit),
        "namespace": spec.namespace,
        "labels": {**spec.labels, GRID_SELECTOR: spec.name, GRID_UNIQ_KEY: as_label_value(spec.key)},
    }
    annotations = _annotations(spec, owner)
    if annotations:
        metadata["annotations"] = annotations
    if owner.reference:
        metadata["ownerReferences"] = [owner_reference(spec, owner)]
    template = spec.template_of(unit) if unit else spec.template
    body = {
        "apiVersion": kind.child_api,
        "kind": kind.child_kind,
        "metadata": metadata,
        "spec": without_nulls(template),
    }
    if unit:
        _pin(body["spec"], spec.key, unit)
    return Child(unit, spec.template_name(unit) if unit else "", body)


def _annotations(spec: GridSpec, owner: Owner) -> dict[str, str]:
    own: dict[str, str] = {}
    if spec.kind.child_kind == "Service":
        own = {key: value for key, value in spec.annotations.items() if key != LAST_APPLIED}
        own[TOPOLOGY_KEYS] = json.dumps([spec.key])
    if as_label_value(spec.key) != spec.key:
        own[GRID_UNIQ_KEY] = spec.key
    if not owner.reference:
        own[OWNER_UID] = owner.uid
    return own


def owner_reference(spec: GridSpec, owner: Owner) -> dict[str, Any]:
    """The controller reference of a grid's children (Kubernetes, "Owners and Dependents")."""
    return {
        "apiVersion": "superedge.io/v1",
        "kind": spec.kind.kind,
        "name": spec.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pin(child_spec: dict[str, Any], key: str, unit: str) -> None:
    child_spec.setdefault("replicas", 1)
    pod_spec = child_spec["template"]["spec"]
    pod_spec["nodeSelector"] = {**(pod_spec.get("nodeSelector") or {}), key: unit}


def without_nulls(value: Any) -> Any:
    """A deep copy without null fields, which mean "absent" to the API server."""
    if isinstance(value, Mapping):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(each) for each in value]
    return value
