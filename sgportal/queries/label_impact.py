"""What a change of node labels would do to units, grids and Services."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..core.names import child_name
from ..core.plans.plan import Step
from ..core.text import Sentence
from ..core.units import UnitChange, relabelled, unit_changes
from ..models.cache import Node
from ..models.intent import Grid
from .endpoints import emptied
from .policy import closed


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of labels would do: to units, to grids (path and step), and which ServiceGrids (path) would have
    no endpoint left in which unit."""

    units: tuple[UnitChange, ...]
    steps: tuple[tuple[str, Step], ...]
    services: tuple[tuple[str, str], ...]


def label_impact(names: Iterable[str], changes: Mapping[str, str | None]) -> Impact:
    """What changing these labels (None removes) on these nodes would do."""
    before = Node.objects.views()
    after = relabelled(before, names, changes)
    moved = unit_changes(before, after, changes)
    grids = list(Grid.objects.filter(key__in=list(changes)).exclude(spec={}))
    services = [each for each in grids if each.kind == "ServiceGrid"]
    workloads = [grid for grid in grids if grid not in services and not closed(grid.namespace)]
    steps = [(grid.path, step) for grid in workloads for step in _label_steps(grid, moved)]
    losing = [(grid.path, unit) for grid in services for unit in emptied(grid, before, after)]
    return Impact(moved, tuple(steps), tuple(losing))


def _label_steps(grid: Grid, moved: Iterable[UnitChange]) -> Iterable[Step]:
    kind = grid.grid_kind.child_kind
    for change in moved:
        if change.key == grid.key and change.verb != "changes":
            verb, sentence = _UNIT_VERBS[change.verb]
            name = child_name(grid.name, kind, change.unit)
            reason = Sentence(sentence, (("unit", change.unit),))
            yield Step(verb, kind, grid.namespace, name, change.unit, reason)  # type: ignore[arg-type]


_UNIT_VERBS = {
    "appears": ("create", "NodeUnit “%(unit)s” appears"),
    "vanishes": ("delete", "NodeUnit “%(unit)s” loses its last node; after the grace time its workload goes"),
}
