"""Our custom resources: SuperEdge's kinds with what SuperEdge's own definitions lack, and ServiceGroups, for which
SuperEdge has no kind.

A status subresource, printer columns, schemas that refuse what is no grid and keep templates whole (SuperEdge's
definitions prune what they do not know), and documents small enough for kubectl apply.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.grids.kinds import KINDS
from ..core.names import FIELD_MANAGER, GROUP, OWN_GROUP
from .client import JSON_PATCH, Cluster
from .errors import ClusterError, Conflict, NotFound
from .group_schemas import GROUP as SERVICE_GROUP
from .schemas import schema_of

_DEFINITION = "CustomResourceDefinition"
_READY = {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'}
_MESSAGE = {
    "name": "Message",
    "type": "string",
    "priority": 1,  # with -o wide only
    "jsonPath": '.status.conditions[?(@.type=="Ready")].message',
}
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_NODE_KEY = {"name": "Key", "type": "string", "jsonPath": ".spec.gridUniqKey"}
_MODE = {"name": "Closure", "type": "string", "jsonPath": ".status.closure"}
# What `kubectl scale` sets, the number of each unit that no override gives another; and what it is shown, all pods.
_SCALE = {"specReplicasPath": ".spec.template.replicas", "statusReplicasPath": ".status.replicas"}
_UNITS = [
    {"name": "Units", "type": "integer", "jsonPath": ".status.totalUnits"},
    {"name": "Ready-Units", "type": "integer", "jsonPath": ".status.readyUnits"},
]


def _definition(kind: str, short: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    scale = {} if kind == "ServiceGrid" else {"scale": _SCALE}
    return _made(GROUP, kind, short, columns, schema_of(KINDS[kind]), scale)


def _made(
    group: str, kind: str, short: str, columns: list[dict[str, Any]], schema: dict[str, Any], scale: dict[str, Any]
) -> dict[str, Any]:
    singular = kind.lower()
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, **scale},
        "additionalPrinterColumns": [_NODE_KEY, *columns, _READY, _AGE, _MESSAGE],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": _DEFINITION,
        "metadata": {"name": f"{singular}s.{group}"},
        "spec": {
            "group": group,
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
    _definition("DeploymentGrid", "dg", _UNITS),
    _definition("StatefulSetGrid", "ssg", _UNITS),
    _definition("ServiceGrid", "sg", [_MODE]),
)
_MEMBERS = [
    {"name": "Members", "type": "integer", "jsonPath": ".status.totalMembers"},
    {"name": "Ready-Members", "type": "integer", "jsonPath": ".status.readyMembers"},
    {"name": "Accepted", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Accepted")].status'},
]
SERVICE_GROUPS = _made(OWN_GROUP, "ServiceGroup", "svcgroup", _MEMBERS, SERVICE_GROUP, {})
ALL_DEFINITIONS = (*DEFINITIONS, SERVICE_GROUPS)


def install_crds(cluster: Cluster, wait_seconds: float = 10.0, gone_seconds: float = 2.0) -> list[str]:
    """Apply our definitions and wait until the API server serves them; the names of those that changed.

    A definition that somebody else put there, SuperEdge's own perhaps, is left as it is. Raises ClusterError: Conflict,
    to be tried again, where one is being deleted and is not gone within `gone_seconds`.
    """
    changed = []
    for definition, found in _present(cluster, gone_seconds):
        if found is not None and not _is_ours(found):
            continue
        applied = cluster.apply(definition, force=True).body
        if found is None or applied["metadata"].get("generation") != found["metadata"].get("generation"):
            changed.append(applied["metadata"]["name"])
    _wait_until_served(cluster, wait_seconds)
    return changed


def upgrade_crds(cluster: Cluster, wait_seconds: float = 10.0, gone_seconds: float = 2.0) -> dict[str, list[str]]:
    """Put our definitions in the place of whatever definitions of the grids there are, and become their only owner;
    the grids stay. Kind → `namespace/name` of grids that were there before and no longer are, or are others now.

    Raises ClusterError: Conflict, to be tried again, where one is being deleted and is not gone within `gone_seconds`.
    """
    before = {each["spec"]["names"]["kind"]: _uids(cluster, each) for each in ALL_DEFINITIONS}
    for definition, _ in _present(cluster, gone_seconds):
        applied = cluster.apply(definition, force=True).body
        _own_alone(cluster, applied)
    _wait_until_served(cluster, wait_seconds)
    after = {each["spec"]["names"]["kind"]: _uids(cluster, each) for each in ALL_DEFINITIONS}
    return {
        kind: sorted(place for place, uid in places.items() if after[kind].get(place) != uid)
        for kind, places in before.items()
    }


def _present(cluster: Cluster, gone_seconds: float) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each of our definitions with what there is of it. Those that are being deleted come last and once they are gone,
    since what is applied to them before goes with them. Raises Conflict where one is not gone in time."""
    deadline = time.monotonic() + gone_seconds
    found = [(each, cluster.get(_DEFINITION, "", each["metadata"]["name"])) for each in ALL_DEFINITIONS]
    for definition, body in sorted(found, key=lambda pair: _is_going(pair[1])):
        name = definition["metadata"]["name"]
        while _is_going(body):
            if time.monotonic() > deadline:
                raise Conflict(f"the CRD {name} is still being deleted")
            time.sleep(0.05)
            body = cluster.get(_DEFINITION, "", name)
        yield definition, body


def _is_going(body: Mapping[str, Any] | None) -> bool:
    return bool(body and body["metadata"].get("deletionTimestamp"))


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


def _wait_until_served(cluster: Cluster, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for definition in ALL_DEFINITIONS:
        name = definition["metadata"]["name"]
        while not _established(cluster.get(_DEFINITION, "", name)):
            if time.monotonic() > deadline:
                raise ClusterError(f"the API server does not serve {name} yet")
            time.sleep(0.05)


def _established(body: dict[str, Any] | None) -> bool:
    conditions = ((body or {}).get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions)
