"""The spec of the child of one NodeUnit as it should be, and where in the manifest each of its values is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...grids.grid import GridSpec
from ...overrides.tracing import flat, untraced
from ...units import Unit
from .layers import Layers

Layer = Literal["template", "override", "total", "restart", "unit"]


@dataclass(frozen=True, slots=True)
class EffectiveField:
    """A value in a child's spec: its JSON pointer there, and in the manifest (`origin`, "" for what the portal adds for
    the unit). `written` is what stands in the manifest, where variables were put in its place."""

    path: str
    content: Any
    origin: str
    written: Any = None

    @property
    def layer(self) -> Layer:
        """The layer that it comes from."""
        if self.origin.startswith("/spec/overrides/"):
            return "override"
        if self.origin == "/spec/totalReplicas":
            return "total"
        if self.origin.startswith("/metadata/"):
            return "restart"
        return "template" if self.origin else "unit"


@dataclass(frozen=True, slots=True)
class Effective:
    """What a unit's child consists of: the template's name, the indices of the overrides that hold there, the spec, and
    each value in it."""

    unit: str
    template: str
    overrides: tuple[int, ...]
    spec: Mapping[str, Any]
    values: tuple[EffectiveField, ...]


def effective(spec: GridSpec, unit: Unit, known: Mapping[str, Unit], labelled: bool) -> Effective:
    """What a unit's child consists of, where `known` are all of the grid's units, and the label of the unit is on its
    pods where it is `labelled`. Raises NotPossible."""
    traced = Layers(spec, known, trace=True).of(unit.name, labelled)
    values = tuple(EffectiveField(path, each.value, each.origin, each.written) for path, each in flat(traced))
    overrides = tuple(each.index for each in spec.overrides if each.choice.takes(unit))
    return Effective(unit.name, spec.template_name(unit.name), overrides, untraced(traced), values)
