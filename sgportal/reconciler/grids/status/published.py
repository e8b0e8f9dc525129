"""What a grid's row and custom resource say of its status, and the events of the change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from ....core.health import Truth
from ....core.status.manifest import manifest_status
from ....core.status.parts import Condition
from ....core.status.status import GridStatus
from ....core.text import Sentence, say
from ....core.timestamps import rfc3339
from ....models import Grid
from ..events.grid_events import NewEvent
from .service_conditions import alarms


@dataclass(frozen=True, slots=True)
class Published:
    """The values of the grid's row, by field, that say its status, and the events of how they differ from before."""

    fields: dict[str, Any]
    events: Sequence[NewEvent]
    differs: bool

    @property
    def body(self) -> dict[str, Any]:
        """The status as the custom resource has it."""
        return dict(self.fields["status"])


def published(grid: Grid, status: GridStatus, generation: int) -> Published:
    """The status of a grid that was carried out up to this generation, as it is published, where its row says what was
    published before."""
    status = _with_rollout(grid, status)
    body = manifest_status(status, generation, grid.status, rfc3339(timezone.now()))
    if grid.kind != "ServiceGrid":
        body["replicas"] = _replicas(grid, status)
    fields = {
        "status": body,
        "sentences": {each.type: each.sentence.to_json() for each in status.conditions},
        "state": status.state,
        "observed_generation": generation,
    }
    events = [*_arrival(grid, status), *alarms(grid.status, status.conditions)]
    differs = any(getattr(grid, name) != value for name, value in fields.items())
    return Published(fields, events, differs)


def _with_rollout(grid: Grid, status: GridStatus) -> GridStatus:
    """The status with what is to be said of the grid's rollout."""
    if not grid.rollout:
        return status
    told = grid.rollout
    sentence = Sentence.from_json(told["message"])
    complete: Truth = "True" if told["phase"] == "Complete" else "False"
    condition = Condition("RolledOut", complete, f"Rollout{told['reason'] or told['phase']}", sentence)
    shown = {**status.whole.shown, "rollout": {**told, "message": str(sentence)}}
    return replace(status, whole=replace(status.whole, claims=(*status.whole.claims, condition), shown=shown))


def _replicas(grid: Grid, status: GridStatus) -> int:
    """The pods that are wanted in all units: of a grid whose units were not all read, as its row has it."""
    everything = len(status.units) == status.tally.total
    return sum(unit.desired for unit in status.units) if everything else grid.pods_desired


def _arrival(grid: Grid, status: GridStatus) -> list[NewEvent]:
    """That the grid has become Ready, if it just has."""
    if status.state != "Ready" or grid.state == "Ready":
        return []
    if grid.kind == "ServiceGrid":
        return [NewEvent("", "Ready", say("its Service exists and its traffic is routed as configured"))]
    return [NewEvent("", "Ready", say("all %(total)s NodeUnits are ready", total=status.tally.total))]
