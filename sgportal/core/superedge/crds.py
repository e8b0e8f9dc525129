"""What a cluster's definitions of the grids (CustomResourceDefinitions) can hold, ours or SuperEdge's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..names import FIELD_MANAGER
from ..text import Sentence, say
from .controller import its_entries

Maker = Literal["sgportal", "superedge", "other", "none"]
_POD_LABELS = ("template", "metadata", "labels", "app")
# What a grid's definition must keep, and what is lost where it does not.
_LOST = {
    "templatePool.*.template.metadata": say(
        "it drops the pod labels of templatePool, so that such a template makes no valid child"
    ),
    "volumeClaimTemplates[].metadata": say("it drops the names of volumeClaimTemplates"),
    "newer fields": say("it silently drops fields that Kubernetes added after 1.22"),
}
_KEPT: dict[str, dict[str, tuple[str, ...]]] = {
    "DeploymentGrid": {
        "templatePool.*.template.metadata": ("spec", "templatePool", "*", *_POD_LABELS),
        "newer fields": ("spec", "template", "template", "spec", "hostUsers"),
    },
    "StatefulSetGrid": {
        "templatePool.*.template.metadata": ("spec", "templatePool", "*", *_POD_LABELS),
        "volumeClaimTemplates[].metadata": ("spec", "template", "volumeClaimTemplates", "[]", "metadata", "name"),
        "newer fields": ("spec", "template", "template", "spec", "hostUsers"),
    },
    "ServiceGrid": {"newer fields": ("spec", "template", "internalTrafficPolicy")},
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A grid's definition in the cluster: who made it, whether status has a place of its own, what is wrong with it."""

    kind: str
    name: str
    maker: Maker
    has_status: bool
    findings: tuple[Sentence, ...] = ()


def described(kind: str, name: str, body: Mapping[str, Any] | None) -> Definition:
    """What a definition (None: there is none) can hold."""
    if body is None:
        return Definition(kind, name, "none", False, (say("it is not installed; such grids exist only in the portal"),))
    version: Mapping[str, Any] = next((each for each in body["spec"]["versions"] if each.get("storage")), {})
    has_status = "status" in (version.get("subresources") or {})
    findings = [] if has_status else [say("it has no status subresource, so that no status can be written")]
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    findings += [_LOST[what] for what, path in _KEPT[kind].items() if not keeps(schema, path)]
    return Definition(kind, name, _maker(body), has_status, tuple(findings))


def _maker(body: Mapping[str, Any]) -> Maker:
    entries = body["metadata"].get("managedFields") or ()
    if any(entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" for entry in entries):
        return "sgportal"
    return "superedge" if its_entries(body["metadata"]) else "other"


def keeps(schema: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether a structural schema keeps a field ("*" any key of a map, "[]" any entry of a list), or prunes it
    (kubernetes.io/docs "Extend the Kubernetes API with CustomResourceDefinitions", "Field pruning")."""
    for step in path:
        if schema.get("x-kubernetes-embedded-resource") and step == "metadata":
            return True
        within = _within(schema, step)
        if not isinstance(within, Mapping):
            return within is True or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        schema = within
    return True


def _within(schema: Mapping[str, Any], step: str) -> Any:
    if step == "[]":
        return schema.get("items")
    known = schema.get("properties") or {}
    return known.get(step, schema.get("additionalProperties"))
