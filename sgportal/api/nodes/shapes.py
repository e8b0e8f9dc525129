"""Nodes, the units they form, and changes of their labels as JSON."""

from typing import Any

from ...core.names import kubelet_may_set
from ...models import LabelJob, Node
from ...queries.label_impact import Impact
from ...queries.overview import Cell, Overview, UnitRow
from ...queries.plans import step_json
from ..cluster.shapes import freshness
from ..grids.shapes import grid_row
from ..http.problems import localise
from ..http.values import instant


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
        "held": list(found.held),
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
