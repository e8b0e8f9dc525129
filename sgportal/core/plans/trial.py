"""What to try with a server-side dry run before a grid is stored, and what the API server's answer says of the grid.

Quotas, LimitRanges and pod security speak of pods only, so a pod of the template is tried besides the child.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..grids.grid import GridSpec
from ..grids.kinds import DEFAULT
from ..names import child_name_problem
from ..text import Problem, Sentence, pointer, say
from ..units import Unit
from .desired import Child
from .per_unit.layers import without_nulls
from .plan import IMMUTABLE, Plan, Step

MADE_UP = "unit"  # the NodeUnit that is tried with where a template has none
MOST_TEMPLATES = 4  # of a grid that are tried
MOST_OVERRIDDEN = 8  # sets of overrides of a grid that are tried

_NOBODY = "00000000-0000-4000-8000-000000000000"

Verdict = Literal["refused", "warned", "unasked"]


@dataclass(frozen=True, slots=True)
class Probe:
    """One template of a grid and a NodeUnit to try it with. `spec` is the grid such that this unit uses the template;
    `where` is the template's JSON pointer in the manifest."""

    spec: GridSpec
    unit: str
    where: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One object to try. `exists`: the cluster has it already, so that the trial is of a change."""

    where: str
    body: Mapping[str, Any]
    exists: bool

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod of the template, not the child itself."""
        return bool(self.body["kind"] == "Pod")


def probes(spec: GridSpec, known: Mapping[str, Unit]) -> list[Probe]:
    """Each template once, with the first of these NodeUnits that uses it and can have a child; then, with the first of
    its units, each set of overrides that is laid over one."""
    if spec.kind.child_kind == "Service":
        return [Probe(spec, "", "/spec/template")]
    possible = [unit for unit in sorted(known) if not child_name_problem(spec.name, spec.kind.child_kind, unit)]
    names = [DEFAULT] if spec.template is not None else []
    plain = [unit for unit in possible if not _overrides(spec, known[unit])]
    found = [_probe(spec, name, plain) for name in [*names, *spec.pool][:MOST_TEMPLATES]]
    return [*found, *_overridden(spec, [known[unit] for unit in possible])]


def _overrides(spec: GridSpec, unit: Unit) -> tuple[int, ...]:
    return tuple(each.index for each in spec.overrides if each.choice.takes(unit))


def _overridden(spec: GridSpec, units: Iterable[Unit]) -> list[Probe]:
    """Each set of overrides once, with the template that it is laid over."""
    first: dict[tuple[str, tuple[int, ...]], str] = {}
    for unit in units:
        if indices := _overrides(spec, unit):
            first.setdefault((spec.template_name(unit.name), indices), unit.name)
    return [Probe(spec, unit, _where(name)) for (name, _), unit in list(first.items())[:MOST_OVERRIDDEN]]


def _where(name: str) -> str:
    return "/spec/template" if name == DEFAULT else "/spec/templatePool" + pointer(name)


def _probe(spec: GridSpec, name: str, units: Sequence[str]) -> Probe:
    where = _where(name)
    unit = next((unit for unit in units if spec.template_name(unit) == name), None)
    if unit is not None:
        return Probe(spec, unit, where)
    return Probe(replace(spec, templates={**spec.templates, MADE_UP: name}), MADE_UP, where)


def trials(probe: Probe, steps: Sequence[Step], wanted: Iterable[Child]) -> Iterator[Trial]:
    """What to try of the steps that a plan for the probe's unit alone has, where `wanted` is what it was made for; a
    plan that writes no child has nothing."""
    whole = {child.name: child for child in wanted}
    for step in steps:
        if step.verb not in ("create", "update", "adopt"):
            continue
        exists = step.verb != "create"
        # The owner may not be stored yet.
        metadata = {key: value for key, value in step.body["metadata"].items() if key != "ownerReferences"}
        metadata |= {"uid": step.uid} if exists else {}
        yield Trial(probe.where, {**step.body, "metadata": metadata}, exists)
        if step.kind != "Service" and _has_pods(step.body) and (not exists or _changes_pods(step)):
            # An update leaves out what others set: the pod has all that is wanted.
            yield Trial(probe.where, pod_of({**step.body, "spec": whole[step.name].body["spec"]}), exists)


def unchangeable(probe: Probe, planned: Plan, live: Iterable[Mapping[str, Any]]) -> Iterator[Trial]:
    """The change of the probe's StatefulSet that a plan leaves out, since it is of fields that cannot be changed: the
    API server says so itself."""
    refused = {each.unit for each in planned.findings if each.reason == IMMUTABLE}
    there = {each["metadata"]["name"]: each["metadata"]["uid"] for each in live}
    for child in planned.wanted:
        body = child.body
        if child.unit == probe.unit and child.unit in refused and body["kind"] == "StatefulSet":
            metadata = {key: value for key, value in body["metadata"].items() if key != "ownerReferences"}
            yield Trial(probe.where, {**body, "metadata": {**metadata, "uid": there[child.name]}}, exists=True)


def _has_pods(child: Mapping[str, Any]) -> bool:
    return bool(child["spec"].get("replicas", 1))


def _changes_pods(step: Step) -> bool:
    return any(each.path.startswith("/spec/template/") for each in step.changes)


def pod_of(child: Mapping[str, Any]) -> dict[str, Any]:
    """A pod as the controller of a Deployment or StatefulSet would make it."""
    template, name = child["spec"]["template"], child["metadata"]["name"]
    spec = without_nulls(template.get("spec") or {})
    if child["kind"] == "StatefulSet":
        claims = [each["metadata"]["name"] for each in child["spec"].get("volumeClaimTemplates") or ()]
        volumes = [each for each in spec.get("volumes") or () if each.get("name") not in claims]
        mounted = [{"name": each, "persistentVolumeClaim": {"claimName": f"{each}-{name}-0"}} for each in claims]
        spec |= {"hostname": f"{name}-0", "volumes": volumes + mounted}
        if service := child["spec"].get("serviceName"):
            spec["subdomain"] = service
    kept = {key: value for key, value in (template.get("metadata") or {}).items() if key in ("labels", "annotations")}
    metadata = {**without_nulls(kept), "generateName": f"{name}-", "namespace": child["metadata"]["namespace"]}
    metadata["ownerReferences"] = [_controller(child)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _controller(child: Mapping[str, Any]) -> dict[str, Any]:
    """The owner reference of a pod that does not stand alone: policies against such are common."""
    kind, name = "StatefulSet" if child["kind"] == "StatefulSet" else "ReplicaSet", child["metadata"]["name"]
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": _NOBODY, "controller": True}


# The API server has no codes for these; the words are those of its admission plugins, webhooks and authorizer.
_NO_MERGE = "failed to create typed patch object"
_NO_TYPE = "failed to convert new object"
_MERGE_FAULT = re.compile(r"(?:^|: |\s)(\.[A-Za-z][^\s:]*(?::[^\s:]+)*): ([^\n]+)")
_WEBHOOK_DENIES = re.compile(r'admission webhook "[^"]*" denied the request')
_NO_DRY_RUN = "does not support dry run"
_NO_NAMESPACE = re.compile(r'namespaces "[^"]*" not found')
_NOT_ALLOWED = re.compile(r'User "[^"]*" cannot (?:create|patch|update) resource')
# Reading says nothing of what is written; roles that are not found are those of an API server that has just begun.
_NOT_KNOWN = re.compile(r'User "[^"]*" cannot (?:get|list|watch) resource|: RBAC: .*not found')
_MAY_COME = re.compile(r"error looking up service account|no PriorityClass with name|RuntimeClass \S+ not found")
_QUOTA_IS_FULL = "exceeded quota:"
# What a quota, or a LimitRange, says of a container's requests and limits.
_AMOUNTS = re.compile(r"(?:requested: |must specify )\S*(?:cpu|memory|storage)|\bper (?:Container|Pod)\b")
_LONGEST = 1000  # characters of a sentence that is passed on
_FIELD = re.compile(
    r"\b(?:object\.)?((?:spec|metadata)(?:\.[A-Za-z]\w*(?![\w(])|\[[^\]\s]*\])+)"
)  # no call: CEL's `.all(…)`


def verdict(trial: Trial, status: int, message: str) -> Verdict | None:
    """What an answer that is no success means for the grid; None: nothing, for what is there now is another object
    than was seen, which the next plan knows.

    Refused is what the API server would refuse again when the grid is stored. A pod is only warned of what may come
    later (a ServiceAccount, a PriorityClass) and, for a grid that runs, of a full quota: lower replicas, or an image
    that takes the place of another, may be just what makes room. Unasked: the question was not answered. A webhook
    denies with any status it likes; one that has side effects is not called in a dry run.
    """
    if _NO_MERGE in message or _NO_TYPE in message or _WEBHOOK_DENIES.search(message):
        return "refused"
    if status == 409:
        return None
    if status in (0, 401, 408, 410, 429) or status >= 500 or _NO_DRY_RUN in message or _NOT_KNOWN.search(message):
        return "unasked"
    if status == 404 and not _NO_NAMESPACE.match(message):
        return "unasked"
    if trial.is_pod and _NOT_ALLOWED.search(message):
        return "unasked"
    later = _MAY_COME.search(message) or (trial.exists and _QUOTA_IS_FULL in message)
    return "warned" if trial.is_pod and later else "refused"


def told(trial: Trial, message: str, causes: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """The API server's sentences, each at the field of the grid that it speaks of."""
    if _NO_NAMESPACE.match(message):
        return [Problem("/metadata/namespace", _says(message))]
    if _NO_MERGE in message and (faults := _MERGE_FAULT.findall(message)):
        return [Problem(_place(trial, field.removeprefix(".")), _says(text)) for field, text in faults]
    found = [
        Problem(_place(trial, each["field"]), _says(each.get("message") or message))
        for each in causes
        if each.get("field")
    ]
    return found or [Problem(_named(trial, message), _says(message))]


def warnings(trial: Trial, texts: Sequence[str]) -> list[Problem]:
    """The API server's warnings, each at the field that it names, if any."""
    return [Problem(_named(trial, text), say("the cluster warns: %(message)s", message=_short(text))) for text in texts]


def may_not(message: str) -> bool:
    """Whether an answer says that our account has no such right (RBAC)."""
    return bool(_NOT_ALLOWED.search(message))


def _says(message: str) -> Sentence:
    return say("the cluster refuses: %(message)s", message=_short(message))


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"


def _named(trial: Trial, message: str) -> str:
    """The JSON pointer for a sentence: of the field that it names, as policies do (`object.spec.replicas`), else of
    where the amounts are that a quota or a LimitRange is about, else of the template."""
    if found := _FIELD.search(message):
        return _place(trial, found[1])
    if _NOT_ALLOWED.search(message):
        return "/metadata/namespace"
    if trial.is_pod and _AMOUNTS.search(message):
        return trial.where + "/template/spec/containers"
    return trial.where


def _place(trial: Trial, field: str) -> str:
    """The JSON pointer in the manifest of a field of the object that was tried."""
    parts = list(_steps(trial.body, field))
    if not parts:
        return trial.where
    if parts[0] == "metadata" and parts[1:2] in (["name"], ["namespace"], ["generateName"]):
        return pointer("metadata", "namespace" if parts[1] == "namespace" else "name")
    if trial.is_pod:
        return trial.where + pointer("template", *parts)
    return pointer(*parts) if parts[0] == "metadata" else trial.where + pointer(*parts[1:])


def _steps(body: Mapping[str, Any], field: str) -> Iterator[str | int]:
    """The steps of a field's path as the API server writes it: `spec.ports[0].name`, `metadata.labels[a.b/c]`,
    `spec.containers[name="c"]`; it ends where it is no path any more."""
    have: Any = body
    for name, inner in re.findall(r"\.?([^.\[\]{}]+)|\[([^\]]*)\]", field.partition("{")[0]):
        step: str | int = name or inner
        if inner and isinstance(have, Sequence) and not isinstance(have, str):
            index = int(inner) if inner.isdecimal() else _index(have, inner)
            if index is None:
                return
            step = index
        yield step
        if isinstance(have, Mapping):
            have = have.get(step)
        elif isinstance(have, Sequence) and isinstance(step, int) and not isinstance(have, str):
            have = have[step] if step < len(have) else None


def _index(entries: Sequence[Any], keys: str) -> int | None:
    """The place of the entry that a path names by its keys."""
    wanted = {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,]+)', keys)}
    if not wanted:
        return None
    having = (index for index, entry in enumerate(entries) if isinstance(entry, Mapping) and _has(entry, wanted))
    return next(having, None)


def _has(entry: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(str(entry.get(key, "TCP" if key == "protocol" else "")) == value for key, value in wanted.items())
