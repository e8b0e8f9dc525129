"""What waits for a person: one item for each grid and kind."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from ..core.fleet.held import GRID_GONE, Choice, Kind, choices, why
from ..core.text import Sentence
from ..models import Grid


@dataclass(frozen=True, slots=True)
class Held:
    """`grid` is the grid concerned (its row), `since` when it began to wait. `id` names exactly what a person was
    shown: it changes with what it stands for."""

    id: str
    kind: Kind
    grid: Grid
    since: datetime

    @property
    def sentence(self) -> Sentence:
        """Why it waits."""
        return why(self.kind)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What a person may choose."""
        return choices(self.kind)


def held() -> list[Held]:
    """All that waits, in order of the grids' paths."""
    return sorted((_gone(grid) for grid in _gone_grids()), key=lambda each: (each.grid.path, each.kind))


def held_counts() -> dict[Kind, int]:
    """How many grids of each kind wait; kinds of which none does are left out."""
    found: dict[Kind, int] = {GRID_GONE: _gone_grids().count()}
    return {kind: count for kind, count in found.items() if count}


def _gone_grids() -> "QuerySet[Grid]":
    return Grid.objects.missing().filter(missing_held=True)


def _gone(grid: Grid) -> Held:
    since = grid.missing_since or grid.updated_at
    return Held(_id(GRID_GONE, str(grid.uid), grid.cluster_uid, since.isoformat()), GRID_GONE, grid, since)


def _id(*what: str) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
