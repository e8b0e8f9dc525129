"""How closed loops look as JSON: what nodes reach of a Service, and what the cluster can keep."""

from typing import Any

from ..core.traffic.proof.proof import NodeProof
from ..models import DataPlane
from ..queries.capabilities import Abilities
from ..queries.endpoints import Annotated
from .problems import localise
from .shapes import instant


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


def closed_loop(row: DataPlane, can: Abilities) -> dict[str, Any]:
    """Whether the modes strict, failover and prefer can be kept (null: not known) with the reasons, and by what look.
    `setting` is Cilium's kube-proxy-replacement, or Calico's version; `hintsKept` what a dry run told."""
    plane, trial = row.plane, row.trial
    return {
        "kept": can.keeping.kept,
        "reasons": [localise(each) for each in can.keeping.sentences],
        "dataPlane": plane.name if plane else "unknown",
        "setting": plane.setting if plane else "",
        "hintsKept": trial.kept if trial else None,
        "lookedAt": instant(row.looked_at),
        "triedAt": instant(row.tried_at),
    }
