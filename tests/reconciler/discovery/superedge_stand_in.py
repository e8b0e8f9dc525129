"""A stand-in for SuperEdge's application-grid-controller: its definitions in small, its children, its mark on both.

Written after what SuperEdge 0.9.0 does: it writes its hash label into the grid, from where child and pods inherit it;
it writes by POST and PUT under its own field manager, and owns children by uid.
"""

import copy
import json
from datetime import UTC, datetime
from typing import Any

from sgportal.cluster import DEFINITIONS, MERGE_PATCH, Cluster
from sgportal.cluster.kinds import RESOURCES
from sgportal.core.superedge.controller import CONTROLLER, HASH_LABEL

OBJECT = {"type": "object"}
ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def template(metadata: dict[str, Any]) -> dict[str, Any]:
    """A DeploymentSpec or StatefulSetSpec of an older Kubernetes; whether the pod's metadata is kept is the point."""
    container = fields(name=TEXT, image=TEXT, resources=ANY, ports={"type": "array", "items": ANY})
    pod = fields(containers={"type": "array", "items": container}, nodeSelector=TEXTS)
    claim = fields(metadata=OBJECT, spec=ANY)
    return {
        **fields(
            replicas={"type": "integer"},
            selector=fields(matchLabels=TEXTS),
            serviceName=TEXT,
            template=fields(metadata=metadata, spec=pod),
            volumeClaimTemplates={"type": "array", "items": claim},
        ),
        "required": ["selector", "template"],
    }


WORKLOAD = fields(
    gridUniqKey=TEXT,
    template=template(ANY),
    templatePool={"type": "object", "additionalProperties": template(OBJECT)},
    templates=TEXTS,
    defaultTemplateName=TEXT,
    autoDeleteUnusedTemplate={"type": "boolean"},
)
PORTS = {"type": "array", "items": ANY}
SERVICE = fields(gridUniqKey=TEXT, template=fields(selector=TEXTS, ports=PORTS, type=TEXT, clusterIP=TEXT))


def definitions() -> list[dict[str, Any]]:
    """Its definitions: no status subresource, templatePool's and claims' metadata pruned, fields frozen."""
    made = []
    for ours in DEFINITIONS:
        spec = copy.deepcopy(ours["spec"])
        schema = fields(spec=SERVICE if spec["names"]["kind"] == "ServiceGrid" else WORKLOAD, status=ANY)
        spec["versions"] = [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
        ]
        metadata = {"name": ours["metadata"]["name"]}
        made.append({"apiVersion": ours["apiVersion"], "kind": ours["kind"], "metadata": metadata, "spec": spec})
    return made


class SuperEdge:
    """What its controller does, on request."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def write(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST or PUT under its name."""
        metadata, resource = body["metadata"], RESOURCES[body["kind"]]
        path = resource.path(metadata.get("namespace", ""), metadata["name"] if method == "PUT" else "")
        query, headers = {"fieldManager": CONTROLLER}, {"Content-Type": "application/json"}
        return self.cluster._transport.call(method, path, query=query, body=body, headers=headers)[1]

    def install(self, world: Any) -> None:
        """Its definitions in the place of ours; it has none of ServiceGroups."""
        self.cluster.delete("CustomResourceDefinition", "", "servicegroups.sgportal.superedge.io")
        for body in definitions():
            self.cluster.delete("CustomResourceDefinition", "", body["metadata"]["name"])
        for body in definitions():
            name = body["metadata"]["name"]
            world.until(lambda name=name: self.cluster.get("CustomResourceDefinition", "", name) is None)
            self.write("POST", body)
        for body in definitions():
            world.until(lambda body=body: self.cluster.serves(body["spec"]["names"]["kind"]))

    def start(self, replicas: int = 1) -> None:
        """Its Deployment, as its manifest has it."""
        labels = {"app": CONTROLLER}
        pod = {"containers": [{"name": CONTROLLER, "image": "superedge/application-grid-controller:v0.9.0"}]}
        spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge-system"}})
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": replicas, **spec}}
        self.cluster.apply({**body, "metadata": {"name": CONTROLLER, "namespace": "edge-system"}})

    def scale(self, replicas: int) -> None:
        """`kubectl scale`."""
        patch = {"spec": {"replicas": replicas}}
        self.cluster.patch("Deployment", "edge-system", CONTROLLER, patch, MERGE_PATCH)

    def lock(self, kind: str, when: datetime | None = None) -> None:
        """Hold its leader lock, renewed at a time (now)."""
        renewed = (when or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata = {"name": CONTROLLER, "namespace": "kube-system"}
        body: dict[str, Any] = {"apiVersion": RESOURCES[kind].api_version, "kind": kind, "metadata": metadata}
        if kind == "Lease":
            body["spec"] = {"holderIdentity": "edge_1", "renewTime": renewed.replace("Z", ".000000Z")}
        else:
            leader = json.dumps({"holderIdentity": "edge_1", "renewTime": renewed})
            metadata["annotations"] = {"control-plane.alpha.kubernetes.io/leader": leader}
        self.cluster.apply(body, force=True)

    def sync(self, grid: dict[str, Any], *units: str) -> None:
        """Make a grid's children: mark the grid with a hash, then create what is missing."""
        live = self.cluster.get(grid["kind"], "default", grid["metadata"]["name"])
        if live is None:
            live = self.write("POST", copy.deepcopy(grid))
        if grid["kind"] == "ServiceGrid":
            self.child(live, "Service", f"{grid['metadata']['name']}-svc", live["spec"]["template"])
            return
        labels = live["spec"]["template"]["template"]["metadata"]["labels"]
        if HASH_LABEL not in labels:
            labels[HASH_LABEL] = "14695981039346656037"
            live["spec"].setdefault("defaultTemplateName", "default")
            live = self.write("PUT", live)
        for unit in units:
            spec = copy.deepcopy(live["spec"]["template"])
            chosen = spec["template"]["spec"].get("nodeSelector") or {}
            spec["template"]["spec"]["nodeSelector"] = {**chosen, live["spec"]["gridUniqKey"]: unit}
            self.child(live, grid["kind"].removesuffix("Grid"), f"{grid['metadata']['name']}-{unit}", spec)

    def child(self, grid: dict[str, Any], kind: str, name: str, spec: dict[str, Any]) -> None:
        metadata, key = grid["metadata"], grid["spec"]["gridUniqKey"]
        own = {"superedge.io/grid-selector": metadata["name"], "superedge.io/grid-uniq-key": key}
        owner = {"apiVersion": "superedge.io/v1", "kind": grid["kind"], "name": metadata["name"]}
        body = {
            "apiVersion": RESOURCES[kind].api_version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": "default",
                "labels": {**(metadata.get("labels") or {}), **own},
                "ownerReferences": [
                    {**owner, "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": True},
                ],
            },
            "spec": spec,
        }
        if kind == "Service":
            body["metadata"]["annotations"] = {**(metadata.get("annotations") or {}), "topologyKeys": f'["{key}"]'}
        self.write("POST", body)
