"""Our custom resources: SuperEdge's kinds with what SuperEdge's own definitions lack.

Structural, a status subresource, printer columns, a required gridUniqKey; templates are kept whole, whatever fields
they carry (SuperEdge's definitions prune what they do not know), and the documents are small enough for kubectl apply.
"""

import time
from collections.abc import Mapping
from typing import Any

from ..core.closure import MODES
from ..core.diff import FIELD_MANAGER
from .client import JSON_PATCH, Cluster
from .errors import ClusterError, NotFound

_DEFINITION = "CustomResourceDefinition"
_ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_TEXT = {"type": "string"}
_KEY = {"type": "string", "minLength": 1, "maxLength": 317}
_UNIT = {
    "type": "object",
    "properties": dict.fromkeys(("name", "state", "template", "reason", "message"), _TEXT),
}
_CONDITION = {
    "type": "object",
    "required": ["type", "status"],
    "properties": dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), _TEXT),
}
_STATUS = {
    "type": "object",
    "properties": {
        "observedGeneration": {"type": "integer", "format": "int64"},
        "conditions": {"type": "array", "items": _CONDITION},
        "states": {"type": "object", "additionalProperties": _ANY},
        "units": {"type": "array", "items": _UNIT},
        "readyUnits": {"type": "integer"},
        "totalUnits": {"type": "integer"},
        "unusedTemplates": {"type": "array", "items": _TEXT},
        "closure": _TEXT,
        "nodes": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}
_WORKLOAD = {
    "type": "object",
    "required": ["gridUniqKey"],
    "properties": {
        "gridUniqKey": _KEY,
        "template": _ANY,
        "templatePool": {"type": "object", "additionalProperties": _ANY},
        "templates": {"type": "object", "additionalProperties": _TEXT},
        "defaultTemplateName": _TEXT,
        "autoDeleteUnusedTemplate": {"type": "boolean"},
    },
}
_CLOSURE = {
    "type": "object",
    "required": ["mode"],
    "properties": {
        "mode": {"type": "string", "enum": list(MODES)},
        "failover": {"type": "array", "items": {**_TEXT, "minLength": 1, "maxLength": 63}},
    },
}
_SERVICE = {
    "type": "object",
    "required": ["gridUniqKey", "template"],
    "properties": {"gridUniqKey": _KEY, "template": _ANY, "closure": _CLOSURE},
}
_READY = {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'}
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_NODE_KEY = {"name": "Key", "type": "string", "jsonPath": ".spec.gridUniqKey"}
_MODE = {"name": "Closure", "type": "string", "jsonPath": ".status.closure"}
_UNITS = [
    {"name": "Units", "type": "integer", "jsonPath": ".status.totalUnits"},
    {"name": "Ready-Units", "type": "integer", "jsonPath": ".status.readyUnits"},
]


def _definition(kind: str, short: str, spec: dict[str, Any], columns: list[dict[str, Any]]) -> dict[str, Any]:
    singular = kind.lower()
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": _TEXT,
            "kind": _TEXT,
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _STATUS,
        },
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_NODE_KEY, *columns, _READY, _AGE],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": _DEFINITION,
        "metadata": {"name": f"{singular}s.superedge.io"},
        "spec": {
            "group": "superedge.io",
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": f"{singular}s",
                "singular": singular,
                "shortNames": [short],
            },
            "versions": [version],
        },
    }


DEFINITIONS = (
    _definition("DeploymentGrid", "dg", _WORKLOAD, _UNITS),
    _definition("StatefulSetGrid", "ssg", _WORKLOAD, _UNITS),
    _definition("ServiceGrid", "sg", _SERVICE, [_MODE]),
)


def install_crds(cluster: Cluster, wait_seconds: float = 10.0) -> list[str]:
    """Apply our definitions and wait until the API server serves them; the names of those that changed.

    A definition that somebody else put there, SuperEdge's own perhaps, is left as it is. Raises ClusterError.
    """
    before = {each["metadata"]["name"]: cluster.get(_DEFINITION, "", each["metadata"]["name"]) for each in DEFINITIONS}
    changed = []
    for definition in DEFINITIONS:
        name = definition["metadata"]["name"]
        found = before[name]
        if found is not None and not _is_ours(found):
            continue
        applied = cluster.apply(definition, force=True).body
        if found is None or applied["metadata"].get("generation") != found["metadata"].get("generation"):
            changed.append(name)
    _wait_until_served(cluster, time.monotonic() + wait_seconds)
    return changed


def upgrade_crds(cluster: Cluster, wait_seconds: float = 10.0) -> dict[str, list[str]]:
    """Put our definitions in the place of whatever definitions of the grids there are, and become their only owner;
    the grids stay. Kind → `namespace/name` of grids that were there before and no longer are, or are others now.

    Raises ClusterError.
    """
    before = {each["spec"]["names"]["kind"]: _uids(cluster, each) for each in DEFINITIONS}
    for definition in DEFINITIONS:
        applied = cluster.apply(definition, force=True).body
        _own_alone(cluster, applied)
    _wait_until_served(cluster, time.monotonic() + wait_seconds)
    after = {each["spec"]["names"]["kind"]: _uids(cluster, each) for each in DEFINITIONS}
    return {
        kind: sorted(place for place, uid in places.items() if after[kind].get(place) != uid)
        for kind, places in before.items()
    }


def _uids(cluster: Cluster, definition: Mapping[str, Any]) -> dict[str, str]:
    """`namespace/name` → uid of every grid of a definition's kind."""
    try:
        bodies = cluster.list(definition["spec"]["names"]["kind"], metadata_only=True).items
    except NotFound:  # not defined yet
        return {}
    return {f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["metadata"]["uid"] for each in bodies}


def _own_alone(cluster: Cluster, definition: Mapping[str, Any]) -> None:
    """Take every other writer's claim on a definition's fields away (not on its status, which is the server's)."""
    metadata = definition["metadata"]
    entries = metadata.get("managedFields") or []
    kept = [each for each in entries if each.get("manager") == FIELD_MANAGER or each.get("subresource")]
    if len(kept) == len(entries):
        return
    patch = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
    ]
    cluster.patch(_DEFINITION, "", metadata["name"], patch, JSON_PATCH)


def _is_ours(definition: Mapping[str, Any]) -> bool:
    entries = definition["metadata"].get("managedFields") or ()
    return any(entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" for entry in entries)


def _wait_until_served(cluster: Cluster, deadline: float) -> None:
    for definition in DEFINITIONS:
        name = definition["metadata"]["name"]
        while not _established(cluster.get(_DEFINITION, "", name)):
            if time.monotonic() > deadline:
                raise ClusterError(f"the API server does not serve {name} yet")
            time.sleep(0.05)


def _established(body: dict[str, Any] | None) -> bool:
    conditions = ((body or {}).get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions)
