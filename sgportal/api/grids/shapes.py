"""Grids, packages of them, their plans and their history as JSON: manifests in Kubernetes' shape."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from ...core.names import ZONE
from ...core.plans.plan import Plan
from ...core.status.remedies import Action, Remedy
from ...core.text import Problem, say
from ...core.traffic.proof.proof import NodeProof
from ...models import Grid, GridEvent, Revision, ServiceGroup
from ...queries.endpoints import Annotated
from ...queries.freshness import Freshness
from ...queries.plans import plan_json
from ..http.problems import localise
from ..http.values import instant, warnings

_NO_STATUS: dict[str, Any] = {"observedGeneration": 0, "conditions": [], "states": {}, "units": []}


UNREACHABLE = say("the cluster cannot be reached; what you asked is stored and will be done as soon as it can be")


def grid(row: Grid, fresh: Freshness) -> dict[str, Any]:
    """A grid's manifest with its status; while the cluster cannot be reached a condition says so."""
    manifest = row.manifest()
    status = {**_NO_STATUS, **manifest["status"]}
    if fresh.unreachable_since:
        unreachable = {
            "type": "Reachable",
            "status": "False",
            "reason": "ClusterUnreachable",
            "message": localise(UNREACHABLE),
            "lastTransitionTime": instant(fresh.unreachable_since),
        }
        status["conditions"] = [*status["conditions"], unreachable]
    return {**manifest, "status": status}


def remedy(about: Remedy) -> dict[str, Any]:
    """A thing to do about a state, as the REST call that does it; null where the caller has to fill in a value."""
    nodes = {"labelSelector": f"{about.key}={about.unit}"} if about.unit else {}
    calls: dict[Action, tuple[str, str, dict[str, Any]]] = {
        "recreate": ("POST", f"{about.path}/recreate", {"unit": about.unit} if about.unit else {}),
        "edit": ("PATCH", about.path, {}),
        "replicas": ("PATCH", about.path, {"spec": {"template": {"replicas": None}}}),
        "label": ("POST", "nodes/label", {**nodes, "set": {about.key: None}}),
        "zone": ("POST", "nodes/label", {**nodes, "set": {ZONE: None}}),
    }
    method, path, body = calls[about.action]
    return {"action": about.action, "unit": about.unit, "method": method, "path": f"/api/v1/{path}", "body": body}


def service_group(row: ServiceGroup) -> dict[str, Any]:
    """A package's manifest, with the state of each of its grids."""
    return {**row.manifest(), "status": {"grids": [grid_row(each) for each in row.grids.all()]}}


def grid_row(row: Grid) -> dict[str, Any]:
    """A grid as a line of the overview."""
    return {
        "kind": row.kind,
        "namespace": row.namespace,
        "name": row.name,
        "path": row.path,
        "state": row.state,
        "generation": row.generation,
        "observedGeneration": row.observed_generation,
    }


def etag(row: Grid, manifest: dict[str, Any], media_type: str) -> str:
    """The strong entity tag of a representation: the intent's tag, and a digest of all that is shown."""
    shown = orjson.dumps([manifest, media_type])
    digest = hashlib.sha256(shown).hexdigest()[:12]
    return f'"{row.etag.strip(chr(34))}-{digest}"'


def planned(path: str, result: str, plan_: Plan, told: Iterable[Problem] = ()) -> dict[str, Any]:
    """What would become of a grid: the answer to a dry run."""
    return {"path": path, "result": result, **plan(plan_), "warnings": warnings(told)}


def plan(planned: Plan) -> dict[str, Any]:
    """A plan in the caller's language."""
    return plan_json(planned, localise)


def event(row: GridEvent) -> dict[str, Any]:
    """Something that happened to a grid."""
    return {
        "unit": row.unit,
        "type": row.type,
        "reason": row.reason,
        "message": localise(row.sentence),
        "count": row.count,
        "firstAt": instant(row.first_at),
        "lastAt": instant(row.last_at),
    }


def revision(row: Revision) -> dict[str, Any]:
    """A stored version of a grid."""
    return {
        "number": row.number,
        "author": row.author,
        "createdAt": instant(row.created_at),
        "metadata": row.metadata,
        "spec": row.spec,
    }


def endpoints(view: NodeProof, observed: bool) -> dict[str, Any]:
    """What one node reaches of a Service; `closed` says whether nothing outside its NodeUnit is among it (null: not
    known), and `enforcement` by what that is kept: `annotation` needs a filter on the node that reads topologyKeys,
    `hints` are obeyed by its kube-proxy, `none` is what mode open asks for. `observed`: read off the EndpointSlices
    last seen."""
    found = [{"pod": each.pod, "ip": each.address, "node": each.node, "unit": each.unit} for each in view.endpoints]
    return {
        "node": view.node,
        "unit": view.unit,
        "endpoints": found,
        "state": view.state,
        "enforcement": {"wrapper": "annotation", "open": "none"}.get(view.mode, "hints"),
        "mode": view.mode,
        "observed": observed,
        "guilty": [{"address": str(each), "slice": each.slice, "node": each.node} for each in view.guilty],
        "closed": None if view.state == "unknown" else view.state in ("closed", "refusing"),
        "code": view.reason,
        "reason": localise(view.sentence),
    }


def annotated(found: Annotated) -> dict[str, Any]:
    """A Service that no ServiceGrid makes, as SuperEdge's filter would keep it; `nodes` counts those in each state."""
    return {
        "namespace": found.namespace,
        "name": found.name,
        "topologyKeys": list(found.keys),
        "nodes": found.states,
        "enforcement": "annotation",
        "reason": localise(found.reason),
    }
