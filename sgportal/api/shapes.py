"""How things look as JSON: Kubernetes' objects in Kubernetes' shape, our own views flat."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from ..core.names import ZONE, kubelet_may_set
from ..core.plans.plan import Plan
from ..core.status.remedies import Action, Remedy
from ..core.text import Problem, Sentence, say
from ..core.timestamps import rfc3339
from ..models import ApiToken, AuditEvent, Grid, GridEvent, LabelJob, Node, Revision, ServiceGroup, Stewardship
from ..queries.capabilities import Abilities
from ..queries.freshness import Freshness
from ..queries.label_impact import Impact
from ..queries.overview import Cell, Overview, UnitRow
from ..queries.plans import plan_json, step_json
from .problems import localise

_NO_STATUS: dict[str, Any] = {"observedGeneration": 0, "conditions": [], "states": {}, "units": []}
UNREACHABLE = say("the cluster cannot be reached; what you asked is stored and will be done as soon as it can be")


def instant(when: datetime | None) -> str | None:
    """A time as Kubernetes writes it (RFC 3339, UTC)."""
    return rfc3339(when) if when else None


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


def etag(row: Grid, manifest: dict[str, Any], media_type: str) -> str:
    """The strong entity tag of a representation: the intent's tag, and a digest of all that is shown."""
    shown = orjson.dumps([manifest, media_type])
    digest = hashlib.sha256(shown).hexdigest()[:12]
    return f'"{row.etag.strip(chr(34))}-{digest}"'


def warnings(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """What a caller should know of a write that was taken, in the caller's language."""
    return [{"pointer": each.pointer, "detail": localise(each.sentence)} for each in problems]


def planned(path: str, result: str, plan_: Plan, told: Iterable[Problem] = ()) -> dict[str, Any]:
    """What would become of a grid: the answer to a dry run."""
    return {"path": path, "result": result, **plan(plan_), "warnings": warnings(told)}


def plan(planned: Plan) -> dict[str, Any]:
    """A plan in the caller's language."""
    return plan_json(planned, localise)


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


def cell(each: Cell) -> dict[str, Any]:
    """What one grid has in one unit."""
    return {
        "unit": each.unit,
        "grid": each.grid,
        "desired": each.desired,
        "ready": each.ready,
        "nodes": each.nodes,
        "served": each.served,
        "state": each.state,
        "reason": each.reason,
        "message": localise(each.sentence),
    }


def unit(row: UnitRow) -> dict[str, Any]:
    """A NodeUnit."""
    return {
        "group": row.group,
        "name": row.name,
        "nodes": row.nodes,
        "readyNodes": row.ready_nodes,
        "state": row.state,
        "nodeState": row.node_state,
        "unhealthy": row.unhealthy,
        "pods": {"desired": row.pods_desired, "ready": row.pods_ready},
    }


def group(row: dict[str, Any]) -> dict[str, Any]:
    """A NodeGroup; `kubeletMaySet`: the kubelet of a node may join its node to any unit."""
    counts = {"units": row["units"], "nodes": row["nodes"], "readyNodes": row["ready_nodes"]}
    return {"key": row["key"], **counts, "kubeletMaySet": kubelet_may_set(row["key"])}


def overview(found: Overview) -> dict[str, Any]:
    """The matrix of a NodeGroup."""
    return {
        "group": found.key,
        "units": [unit(row) for row in found.units],
        "grids": [grid_row(row) for row in found.grids],
        "cells": [cell(each) for each in found.cells],
        "totals": dict(found.totals),
        **freshness(found.freshness),
    }


def freshness(fresh: Freshness) -> dict[str, Any]:
    """How old the news is."""
    return {
        "observedAt": instant(fresh.observed_at),
        "stale": fresh.stale,
        "unreachableSince": instant(fresh.unreachable_since),
    }


def management(row: Stewardship) -> dict[str, Any]:
    """Who writes to the cluster: we (`managing`) or not (`read-only`), and why not with the cure."""
    return {
        "mode": row.mode,
        "since": instant(row.since) if row.pk and row.looked_at else None,
        "decidedBy": row.decided_by,
        "forced": row.forced,
        "evidence": [localise(each) for each in row.sentences],
        "cure": list(row.cure),
    }


def cluster(row: Stewardship, can: Abilities) -> dict[str, Any]:
    """The cluster as a whole, as of the last look."""
    task = row.task and {**row.task, "lines": [localise(each) for each in row.task_lines]}
    definitions = [
        {**each, "findings": [localise(Sentence.from_json(finding)) for finding in each["findings"]]}
        for each in row.definitions
    ]
    return {
        "version": row.version,
        "lookedAt": instant(row.looked_at),
        "superedgeRuns": row.running,
        "management": management(row),
        "nodes": {"total": can.nodes, "obeyHints": can.obeying},
        "definitions": definitions,
        "task": task or None,
    }


def node(row: Node) -> dict[str, Any]:
    """A node as Kubernetes shows it."""
    info = dict(row.info)
    metadata = {
        "name": row.name,
        "uid": row.uid,
        "labels": row.labels,
        "annotations": info.pop("annotations", {}),
        "creationTimestamp": instant(row.created_at),
    }
    spec = {"unschedulable": row.unschedulable, "taints": row.taints}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": info}


def impact(found: Impact) -> dict[str, Any]:
    """What a change of labels would do."""
    units = [
        {
            "group": each.key,
            "unit": each.unit,
            "verb": each.verb,
            "joining": list(each.joining),
            "leaving": list(each.leaving),
        }
        for each in found.units
    ]
    return {
        "units": units,
        "steps": [{"grid": path, **step_json(step, localise)} for path, step in found.steps],
        "services": [{"grid": path, "unit": name} for path, name in found.services],
    }


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


def job(row: LabelJob) -> dict[str, Any]:
    """A change of labels on many nodes, with what became of each."""
    results = [{"node": name, **each} for name, each in row.results.items()]
    return {
        "id": str(row.pk),
        "state": row.state,
        "changes": row.changes,
        "done": row.done,
        "total": len(results),
        "results": results,
        "author": row.author,
        "createdAt": instant(row.created_at),
        "finishedAt": instant(row.finished_at),
    }


def token(row: ApiToken) -> dict[str, Any]:
    """A token without its secret."""
    return {
        "id": row.pk,
        "user": row.user.get_username(),
        "name": row.name,
        "prefix": row.prefix,
        "scope": row.scope,
        "role": row.role,
        "expiresAt": instant(row.expires_at),
        "lastUsedAt": instant(row.last_used_at),
        "createdAt": instant(row.created_at),
    }


def audit(row: AuditEvent) -> dict[str, Any]:
    """A write somebody asked for."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "at": instant(row.at),
        "actor": row.actor,
        "door": row.door,
        "address": row.address,
        "verb": row.verb,
        "path": row.path,
        "before": row.before,
        "after": row.after,
        "plan": row.plan,
    }
