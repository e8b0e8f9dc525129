"""The NodeUnits that a grid is for, by what was last seen."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from ...core.access.scope import Scope
from ...core.grids.grid import GridSpec
from ...core.overrides.choice import placement_of
from ...core.units import Unit, units_of
from ...models.cache import Node, NodeLabel
from ...models.intent import Grid
from ...models.scopes.current import reading

_Read = dict[tuple[str, bool, Scope], dict[str, Unit]]
_read: ContextVar[_Read | None] = ContextVar("read", default=None)


@contextmanager
def units_read_once() -> Iterator[None]:
    """Within this, the NodeUnits of a label key are read once, whoever asks for them: for a piece of work with many
    grids of one key, which may have thousands of nodes. It sees no node that changes meanwhile."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


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
    """The NodeUnits of a label key by name, with their nodes if they are wanted. One query, unless they were read
    (`units_read_once`)."""
    read = _read.get()
    if read is None:
        return _units(key, with_nodes)
    place = key, with_nodes, reading()
    if place not in read:
        read[place] = _units(key, with_nodes)
    return dict(read[place])


def _units(key: str, with_nodes: bool) -> dict[str, Unit]:
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
