"""What the child of a NodeUnit should be, and why."""

from ...core.names import child_name
from ...core.plans.desired import carries_its_unit
from ...core.plans.per_unit.effective import Effective, effective
from ...core.plans.per_unit.layers import NotPossible
from ...core.plans.plan import STAYS_AS_IT_IS
from ...core.plans.world import AS_IT_IS
from ...models.cache import Child
from ...models.intent import Grid
from ..plans import spec_of
from .pins import pinned_specs
from .units import units_for


def effective_of(grid: Grid, unit: str) -> Effective | None:
    """The spec of a unit's child with the origin of each value; None where the grid is not for such a unit. Raises
    Invalid as `spec_of` does, and NotPossible."""
    spec = spec_of(grid)
    known = units_for(spec)
    if unit not in known:
        return None
    pinned = pinned_specs(grid, spec, grid.units.filter(name=unit), [unit]).get(unit)
    kind = spec.kind.child_kind
    rows = Child.objects.filter(kind=kind, namespace=spec.namespace, name=child_name(spec.name, kind, unit))
    there = rows.values_list("body", flat=True).first()
    if pinned and pinned.number == AS_IT_IS and there:
        raise NotPossible("WaitingForWave", STAYS_AS_IT_IS)
    if pinned and pinned.spec:
        spec = pinned.spec
    return effective(spec, known[unit], known, carries_its_unit(there))
