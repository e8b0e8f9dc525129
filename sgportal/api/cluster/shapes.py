"""The cluster as JSON: what it is, how fresh what we know of it is, who writes to it, what waits for a person."""

from typing import Any, cast

from ...core.fleet import held as waiting
from ...core.fleet.halt import Reason, outcome
from ...core.text import Sentence
from ...models import DataPlane, ManagedCluster, ManagementMode
from ...queries.capabilities import Abilities
from ...queries.freshness import Freshness
from ...queries.held import Held
from ..http.problems import localise
from ..http.values import instant


def freshness(fresh: Freshness) -> dict[str, Any]:
    """How old the news is."""
    return {
        "observedAt": instant(fresh.observed_at),
        "stale": fresh.stale,
        "unreachableSince": instant(fresh.unreachable_since),
    }


def management(row: ManagementMode) -> dict[str, Any]:
    """Who writes to the cluster: we (`managing`) or not (`read-only`), and why not with the cure."""
    return {
        "mode": row.mode,
        "since": instant(row.since) if row.pk and row.looked_at else None,
        "decidedBy": row.decided_by,
        "forced": row.forced,
        "evidence": [localise(each) for each in row.sentences],
        "cure": list(row.cure),
    }


def cluster(row: ManagementMode, can: Abilities) -> dict[str, Any]:
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


def standing(row: ManagedCluster) -> dict[str, Any]:
    """Which cluster is meant, and why everything stops (`halt` is null while work goes on)."""
    return {"uid": row.uid, "halt": _halt(row) if row.halt else None}


def _halt(row: ManagedCluster) -> dict[str, Any]:
    reason = cast(Reason, row.halt)
    choices = [{"choice": each, "outcome": localise(outcome(reason, each))} for each in row.choices]
    return {
        "id": row.halt_id,
        "reason": row.halt,
        "message": localise(row.sentence),
        "since": instant(row.halted_at),
        "choices": choices,
    }


def held(each: Held) -> dict[str, Any]:
    """Something that waits for a person while everything else goes on."""
    kind = each.kind
    choices = [{"choice": one, "outcome": localise(waiting.outcome(kind, one))} for one in each.choices]
    return {
        "id": each.id,
        "kind": kind,
        "grid": each.grid.path,
        "units": list(each.units),
        "message": localise(each.sentence),
        "since": instant(each.since),
        "choices": choices,
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
