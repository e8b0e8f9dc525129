"""JSON of what keeps a fleet from being lost by a mistake."""

from typing import Any, cast

from ..core.fleet import held as waiting
from ..core.fleet.halt import Reason, outcome
from ..models import ManagedCluster
from ..queries.held import Held
from .problems import localise
from .shapes import instant


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
