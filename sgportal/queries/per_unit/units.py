"""The NodeUnits that a grid is for, by what was last seen."""

from collections.abc import Collection, Mapping

from ...core.grids.grid import GridSpec
from ...core.overrides.choice import placement_of
from ...core.units import Unit, units_of
from ...models.cache import Node, NodeLabel
from ...models.intent import Grid


def units_for(spec: GridSpec) -> dict[str, Unit]:
    """The NodeUnits of a grid by name; with their nodes where the grid asks for more than names. One query."""
    return spec.its(known_units(spec.key, with_nodes=spec.asks_of_units))


def left_out_of(spec: GridSpec, its: Collection[str]) -> Collection[str]:
    """The NodeUnits of its key that a grid is not for, where `its` are those that it is for. At most one query."""
    if spec.placement == _ANYWHERE:
        return ()
    return known_units(spec.key, with_nodes=False).keys() - set(its)


_ANYWHERE = placement_of(None)


def known_units(key: str, with_nodes: bool) -> dict[str, Unit]:
    """The NodeUnits of a label key by name, with their nodes if they are wanted. One query."""
    if with_nodes:
        return units_of(Node.objects.carrying(key).views(), key)
    return {name: Unit(name, ()) for name in NodeLabel.objects.unit_names(key)}


def names_for(grid: Grid, names: Collection[str]) -> Collection[str]:
    """Those of the NodeUnits of its key that a stored grid is for. At most one query, for a grid that chooses by
    labels."""
    try:
        placement = placement_of(grid.spec.get("placement"))
    except (AttributeError, KeyError, TypeError):  # what is invalid has no children
        return names
    units: Mapping[str, Unit] = {name: Unit(name, ()) for name in names}
    if placement.reads_labels:
        units = known_units(grid.key, with_nodes=True)
    return {name for name, unit in units.items() if placement.takes(unit)}
