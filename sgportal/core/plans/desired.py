"""Which children a grid should have: SuperEdge's names, labels and templates, without its defects."""

import json
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..grids.grid import GridSpec
from ..grids.kinds import API_VERSION
from ..names import (
    CLOSURE,
    FRONT,
    GRID_SELECTOR,
    GRID_UNIQ_KEY,
    LAST_APPLIED,
    OWNER_UID,
    SELECTOR,
    TOPOLOGY_KEYS,
    UNIT,
    as_label_value,
    child_name,
    child_name_problem,
    front_name,
    front_name_problem,
)
from ..overrides.form import NOWHERE, Tree
from ..ownership.identity import Owner
from ..text import Sentence, say
from ..traffic.closure import Capabilities, Closure, chosen, refusal, write_closure
from ..traffic.front import front_service, fronted_units
from ..traffic.service import ServiceFacts, described
from ..units import Unit
from .per_unit.layers import Layers, NotPossible, without_nulls
from .world import AS_IT_IS, Pinned

_OF_ITS_OWN = ("name", "namespace", "labels", "annotations", "ownerReferences")


@dataclass(frozen=True, slots=True)
class Child:
    """An object that should exist. `unit` and `template` are "" for a Service. Children of one template share what is
    in their bodies, so nobody changes it. `varying`: where in its spec there are texts with variables of the unit.
    `make`: the same for those of a grid that differ in nothing but these texts, their name and their unit, None for
    unknown."""

    unit: str
    template: str
    body: dict[str, Any]
    varying: Tree = field(default_factory=lambda: NOWHERE, repr=False, compare=False)
    make: Hashable = field(default=None, repr=False, compare=False)

    @property
    def first(self) -> dict[str, Any]:
        """What is created: a workload whose template leaves replicas out begins with one (SuperEdge's default). That is
        set and not left to the API server, which notes who scales it only where somebody had set it before."""
        if self.body["kind"] == "Service":
            return self.body
        return {**self.body, "spec": {"replicas": 1, **self.body["spec"]}}

    @property
    def is_front(self) -> bool:
        """Whether it is a plain Service beside a ServiceGrid's own."""
        return is_front(self.body)

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["metadata"]["name"])


def is_front(body: Mapping[str, Any]) -> bool:
    """Whether a Service of a ServiceGrid's is a plain one beside its own."""
    return FRONT in (body["metadata"].get("labels") or {})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one unit ("" for the grid itself) that a person should know; `reason` is CamelCase."""

    unit: str
    reason: str
    sentence: Sentence


def desired(
    spec: GridSpec,
    units: Collection[str],
    owner: Owner,
    can: Capabilities,
    live: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Unit],
    pinned: Mapping[str, Pinned],
) -> tuple[tuple[Child, ...], tuple[Finding, ...]]:
    """The children a grid should have for these units, in order of unit, and the units that can have none and why.
    `can` is what the cluster can keep of a closed loop, `live` what there is, by name. `known`: the units, where the
    grid asks for more than their names; `pinned` those that stay at a revision."""
    if spec.kind.child_kind == "Service":
        return _services(spec, units, owner, can)
    children, findings = [], []
    latest = Layers(spec, known)
    older: dict[int, Layers] = {}
    metadata = _Metadata(spec, owner)
    for unit in sorted(units):
        name = child_name(spec.name, spec.kind.child_kind, unit)
        there = live.get(name)
        stays = pinned.get(unit)
        if stays and stays.number == AS_IT_IS:
            if there:
                children.append(_as_it_is(unit, spec, there))
                continue
            stays = None
        labelled = carries_its_unit(there)
        try:
            if problem := child_name_problem(spec.name, spec.kind.child_kind, unit):
                raise NotPossible("InvalidName", problem)
            layers = _layers_at(stays, known, older) if stays else latest
            made = layers.made(unit, labelled)
        except NotPossible as why:
            findings.append(Finding(unit, why.reason, why.sentence))
        else:
            make = (stays.number if stays else None, labelled, *made.make)
            body = _body(spec, metadata.of(name, unit, labelled), made.spec)
            children.append(Child(unit, made.template, body, made.varying, make))
    return tuple(children), tuple(findings)


def _as_it_is(unit: str, spec: GridSpec, there: Mapping[str, Any]) -> Child:
    """A workload as there is one, so that nothing of it is written."""
    metadata = {key: value for key, value in there["metadata"].items() if key in _OF_ITS_OWN}
    return Child(unit, spec.template_name(unit), _body(spec, metadata, there["spec"]))


def _services(
    spec: GridSpec, units: Collection[str], owner: Owner, can: Capabilities
) -> tuple[tuple[Child, ...], tuple[Finding, ...]]:
    """A ServiceGrid's own Service, and the plain ones beside it."""
    refused = _service_refusal(spec, can)
    children, findings = ([], [refused]) if refused else ([_service(spec, owner, can)], [])
    for unit in fronted_units(spec.front, units):
        if problem := front_name_problem(spec.name, unit):
            findings.append(Finding(unit, "InvalidName", problem))
        else:
            children.append(_front(spec, unit, owner))
    return tuple(children), tuple(findings)


def child_names(spec: GridSpec, units: Collection[str]) -> set[str]:
    """The names of the children that a grid should have for these units, whether or not they can be."""
    if spec.kind.child_kind != "Service":
        return {child_name(spec.name, spec.kind.child_kind, unit) for unit in units}
    fronts = {front_name(spec.name, unit) for unit in fronted_units(spec.front, units)}
    return {child_name(spec.name, "Service", ""), *fronts}


def _service_refusal(spec: GridSpec, can: Capabilities) -> Finding | None:
    if problem := child_name_problem(spec.name, "Service", ""):
        return Finding("", "InvalidName", problem)
    if reason := refusal(closure_for(spec, can), can):
        return Finding("", "ClosureNotSupported", reason)
    return None


def closure_for(spec: GridSpec, can: Capabilities) -> Closure:
    """How a ServiceGrid is kept: as it asks, else as well as the cluster and its Service can be."""
    return chosen(spec.closure, spec.template or {}, can)


def unasked(spec: GridSpec, live: Iterable[Mapping[str, Any]], can: Capabilities, was_managed: bool) -> Capabilities:
    """What may be done to a ServiceGrid that does not say how it is kept. A Service that is there with a selector, made
    by SuperEdge or by hand, keeps it until somebody asks; `was_managed` says that we took its selector away before, and
    then it does not come back because the cluster can do less than it could."""
    if spec.closure:
        return can
    service = _its_service(spec, live)
    if was_managed or (service and CLOSURE in (service["metadata"].get("annotations") or {})):
        return replace(can, held=True)
    if service is None or not (service.get("spec") or {}).get("selector"):
        return can
    reason = say("its Service was there before and is left as it is until spec.closure asks")
    return replace(can, strict=False, reason=reason)


def _its_service(spec: GridSpec, live: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    name = child_name(spec.name, "Service", "")
    return next((each for each in live if each["metadata"]["name"] == name), None)


def service_of(spec: GridSpec, can: Capabilities, live: Iterable[Mapping[str, Any]] = ()) -> ServiceFacts:
    """A ServiceGrid's Service as it is in `live`, else as it will be, to be asked in advance."""
    template = spec.template or {}
    closure, selector = closure_for(spec, can), template.get("selector") or {}
    service = _its_service(spec, live)
    if service and service.get("spec"):
        return described(service, closure, spec.key, selector)
    metadata = {
        "namespace": spec.namespace,
        "name": child_name(spec.name, "Service", ""),
        "annotations": spec.annotations,
    }
    found = described({"metadata": metadata, "spec": template}, closure, spec.key, selector)
    return replace(found, headless=template.get("clusterIP") == "None")  # any other will be given an address


def _layers_at(pinned: Pinned, known: Mapping[str, Unit], made: dict[int, Layers]) -> Layers:
    """The layers of a revision, made once. Raises NotPossible."""
    if pinned.spec is None:
        text = say("revision %(number)s, which it should have, is not stored or not valid", number=pinned.number)
        raise NotPossible("RevisionUnusable", text)
    return made.setdefault(pinned.number, Layers(pinned.spec, known))


class _Metadata:
    """The metadata of workloads, which share all that is not of their unit."""

    def __init__(self, spec: GridSpec, owner: Owner) -> None:
        self._common = _metadata(spec, "", owner, {})

    def of(self, name: str, unit: str, labelled: bool) -> dict[str, Any]:
        """That of a unit's workload, with the unit's label where it is `labelled`."""
        own = {"labels": {**self._common["labels"], UNIT: unit}} if labelled else {}
        return {**self._common, "name": name, **own}


def _service(spec: GridSpec, owner: Owner, can: Capabilities) -> Child:
    own = {key: value for key, value in spec.annotations.items() if key not in (LAST_APPLIED, CLOSURE, SELECTOR)}
    closure = closure_for(spec, can)
    template = without_nulls(spec.template)
    if closure.manages_slices:  # an annotation has the selector, so nobody else writes EndpointSlices
        template = {name: value for name, value in template.items() if name != "selector"}
    metadata = _metadata(spec, child_name(spec.name, "Service", ""), owner, own | _closure_annotations(spec, closure))
    return Child("", "", _body(spec, metadata, template))


def _front(spec: GridSpec, unit: str, owner: Owner) -> Child:
    """A plain Service beside a ServiceGrid's own. Annotations of the grid are about its own Service, and not put on."""
    found = front_service(spec.front, spec.name, without_nulls(spec.template), unit)
    metadata = _metadata(spec, found.name, owner, {})
    metadata["labels"] |= found.labels
    return Child(unit, "", _body(spec, metadata, dict(found.spec)))


def _body(spec: GridSpec, metadata: dict[str, Any], child_spec: dict[str, Any]) -> dict[str, Any]:
    kind = spec.kind
    return {"apiVersion": kind.child_api, "kind": kind.child_kind, "metadata": metadata, "spec": child_spec}


def _metadata(spec: GridSpec, name: str, owner: Owner, annotations: Mapping[str, str]) -> dict[str, Any]:
    key = {GRID_UNIQ_KEY: spec.key} if as_label_value(spec.key) != spec.key else {}
    own = {**annotations, **key, **({} if owner.reference else {OWNER_UID: owner.uid})}
    return {
        "name": name,
        "namespace": spec.namespace,
        "labels": {**spec.labels, GRID_SELECTOR: spec.name, GRID_UNIQ_KEY: as_label_value(spec.key)},
        **({"annotations": own} if own else {}),
        **({"ownerReferences": [owner_reference(spec, owner)]} if owner.reference else {}),
    }


def _closure_annotations(spec: GridSpec, closure: Closure) -> dict[str, str]:
    """What tells SuperEdge's wrapper, and our own writer of EndpointSlices, how the Service is kept."""
    found = {} if closure.mode == "open" else {TOPOLOGY_KEYS: json.dumps([spec.key])}
    if closure.manages_slices:
        selector = (spec.template or {})["selector"]
        found[SELECTOR] = json.dumps(selector, separators=(",", ":"), sort_keys=True)
        found[CLOSURE] = write_closure(closure, spec.key)
    return found


def owner_reference(spec: GridSpec, owner: Owner) -> dict[str, Any]:
    """The controller reference of a grid's children (Kubernetes, "Owners and Dependents")."""
    return {
        "apiVersion": API_VERSION,
        "kind": spec.kind.kind,
        "name": spec.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def carries_its_unit(live: Mapping[str, Any] | None) -> bool:
    """Whether a child has the label of its unit on its pods. New ones have. A selector cannot be changed, so one that
    was made without, by SuperEdge or by an earlier version, stays as it is until it is made anew."""
    if live is None:
        return True
    selector = (live.get("spec") or {}).get("selector") or {}
    return UNIT in (selector.get("matchLabels") or {})
