"""JSON of what keeps a fleet from being lost by a mistake."""

from typing import Any, cast

from ..core.fleet.halt import Reason, outcome
from ..models import ManagedCluster
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
