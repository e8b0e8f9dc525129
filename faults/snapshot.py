"""What is there at one moment, read from the API server and the database, not from the portal."""

from typing import Any

import psycopg

from .api import GRIDS, Api
from .comparison import Child, Grid, Pod, Snapshot

KEY = "site"  # the gridUniqKey of every grid
_UNIT = "sgportal.superedge.io/unit"
_SELECTOR = "superedge.io/grid-selector"
_NAMESPACE = "namespaces/default"
_WORKLOADS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
_ROWS = "SELECT kind, name FROM sgportal_grid"
# A key that is only to be looked at again in an hour, as where a NodeUnit had no nodes for a moment, waits for nothing.
WAITING = (
    "SELECT key FROM sgportal_workkey WHERE key NOT LIKE 'duties/%%' AND requested > done"
    " AND (failures > 0 OR next_at < now() + interval '1 minute') ORDER BY key"
)


def take(api: Api, database: str) -> Snapshot:
    """A snapshot. Raises OSError, psycopg.Error where one of the two does not answer."""
    with psycopg.connect(database, autocommit=True, connect_timeout=5) as link:
        rows = frozenset((kind, name) for kind, name in link.execute(_ROWS))
        waiting = tuple(key for (key,) in link.execute(WAITING))
    nodes = {
        each["metadata"]["name"]: each["metadata"].get("labels", {}).get(KEY, "") for each in api.list("/api/v1/nodes")
    }
    services = api.list(f"/api/v1/{_NAMESPACE}/services")
    grids = {}
    for plural in ("deploymentgrids", "statefulsetgrids", "servicegrids"):
        for body in api.list(f"{GRIDS}/{plural}"):
            grids[body["kind"], body["metadata"]["name"]] = _grid(body)
    children = {}
    for kind, plural in _WORKLOADS.items():
        for body in api.list(f"/apis/apps/v1/{_NAMESPACE}/{plural}"):
            children[kind, body["metadata"]["name"]] = _workload(body)
    for body in services:
        if _SELECTOR in body["metadata"].get("labels", {}):
            children["Service", body["metadata"]["name"]] = _service(body)
    return Snapshot(
        units=frozenset(unit for unit in nodes.values() if unit),
        nodes=nodes,
        grids=grids,
        children=children,
        pods={each["metadata"]["name"]: _pod(each) for each in api.list(f"/api/v1/{_NAMESPACE}/pods")},
        endpoints=_endpoints(api, services),
        rows=rows,
        waiting=waiting,
    )


def _image(template: dict[str, Any]) -> str:
    image: str = template["spec"]["containers"][0]["image"]
    return image


def _grid(body: dict[str, Any]) -> Grid:
    status, template = body.get("status", {}), body["spec"]["template"]
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
    units, generation = status.get("totalUnits", 0), body["metadata"]["generation"]
    settled = status.get("observedGeneration") == generation and ready and status.get("readyUnits") == units
    image = _image(template["template"]) if "template" in template else ""
    return Grid(body["metadata"]["uid"], image, template.get("replicas", 1), settled, units)


def _owner(body: dict[str, Any]) -> str:
    found = [each["uid"] for each in body["metadata"].get("ownerReferences", []) if each["kind"].endswith("Grid")]
    return found[0] if found else ""


def _workload(body: dict[str, Any]) -> Child:
    metadata, spec, status = body["metadata"], body["spec"], body.get("status", {})
    counts = [status.get(each, 0) for each in ("replicas", "readyReplicas", "updatedReplicas")]
    ready = counts == [spec["replicas"]] * 3 and status.get("observedGeneration") == metadata["generation"]
    unit = metadata.get("labels", {}).get(_UNIT, "") or _unit_of(body)
    image = _image(spec["template"])
    return Child(metadata["uid"], metadata["generation"], _owner(body), unit, image, spec["replicas"], ready)


def _unit_of(body: dict[str, Any]) -> str:
    """The unit by where its pods may run."""
    pod = body["spec"]["template"]["spec"]
    unit: str = (pod.get("nodeSelector") or {}).get(KEY, "")
    return unit


def _service(body: dict[str, Any]) -> Child:
    return Child(body["metadata"]["uid"], 0, _owner(body), "", "", 0, True)


def _pod(body: dict[str, Any]) -> Pod:
    metadata, status = body["metadata"], body.get("status", {})
    owner = metadata.get("ownerReferences", [{"kind": "", "name": ""}])[0]
    workload = owner["name"].rpartition("-")[0] if owner["kind"] == "ReplicaSet" else owner["name"]
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
    restarts = sum(each["restartCount"] for each in status.get("containerStatuses", []))
    is_ready = ready and "deletionTimestamp" not in metadata
    return Pod(metadata["uid"], workload, restarts, is_ready, status.get("podIP", ""))


def _endpoints(api: Api, services: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The addresses in the slices of each Service of a grid, without those of other Services, at which a kube-proxy
    refuses."""
    ours = {each["metadata"]["name"] for each in services if _SELECTOR in each["metadata"].get("labels", {})}
    everywhere = api.list("/api/v1/services")
    refusing = {address for each in everywhere for address in each["spec"].get("clusterIPs", [])}
    found: dict[str, list[str]] = {name: [] for name in ours}
    for body in api.list(f"/apis/discovery.k8s.io/v1/{_NAMESPACE}/endpointslices"):
        service = body["metadata"].get("labels", {}).get("kubernetes.io/service-name", "")
        if service in found:
            addresses = (address for each in body["endpoints"] or () for address in each["addresses"])
            found[service] += [address for address in addresses if address not in refusing]
    return {name: tuple(sorted(addresses)) for name, addresses in found.items()}
