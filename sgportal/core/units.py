"""Which nodes form which NodeUnit, and what a change of labels would do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

Readiness = Literal["Ready", "NotReady", "Unknown"]


@dataclass(frozen=True, slots=True)
class Agent:
    """A pod on a node that carries traffic to Services, or filters what such a one sees; `role` is one of
    `core.traffic.agents.ROLES`. `version` is that of its image ("" where the image does not say)."""

    role: str
    version: str = ""
    ready: bool = True


@dataclass(frozen=True, slots=True)
class NodeView:
    """What the core needs to know of a node. `version` is its kubelet's, such as `v1.34.1`, `system` its operating
    system, such as `linux`; both are "" where nobody asked. `agents` are those seen on it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: Readiness = "Ready"
    version: str = ""
    system: str = ""
    agents: tuple[Agent, ...] = ()


@dataclass(frozen=True)
class Unit:
    """A NodeUnit: the nodes whose label `key` has the value `name`."""

    name: str
    nodes: tuple[NodeView, ...]

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The labels that all of its nodes have with one value. Asked for by every grid, and worked out once."""
        first, *others = (node.labels.items() for node in self.nodes) if self.nodes else ({}.items(),)
        return dict(set(first).intersection(*others))

    @property
    def ready_nodes(self) -> int:
        """How many of its nodes are Ready."""
        return sum(node.ready == "Ready" for node in self.nodes)

    @property
    def state(self) -> str:
        """`Ready` (all nodes), `Degraded` (some), `NotReady` (none), `Offline` (nobody has heard of any of them)."""
        if self.ready_nodes:
            return "Ready" if self.ready_nodes == len(self.nodes) else "Degraded"
        return "Offline" if all(node.ready == "Unknown" for node in self.nodes) else "NotReady"


def units_of(nodes: Iterable[NodeView], key: str) -> dict[str, Unit]:
    """The NodeUnits of a NodeGroup, by name in order. An empty label value names no unit; readiness does not matter."""
    members: dict[str, list[NodeView]] = {}
    for node in nodes:
        if value := node.labels.get(key):
            members.setdefault(value, []).append(node)
    return {name: Unit(name, tuple(sorted(members[name], key=lambda node: node.name))) for name in sorted(members)}


def relabelled(
    nodes: Iterable[NodeView], names: Iterable[str], changes: Mapping[str, str | None]
) -> tuple[NodeView, ...]:
    """The same nodes with `changes` (None removes) made to the labels of those in `names`."""
    chosen = set(names)

    def after(node: NodeView) -> NodeView:
        labels = {**node.labels, **changes}
        return replace(node, labels={key: value for key, value in labels.items() if value is not None})

    return tuple(after(node) if node.name in chosen else node for node in nodes)


@dataclass(frozen=True, slots=True)
class UnitChange:
    """What a change of labels does to one unit: `appears`, `vanishes` or `changes`, and the nodes that move."""

    key: str
    unit: str
    verb: Literal["appears", "vanishes", "changes"]
    joining: tuple[str, ...]
    leaving: tuple[str, ...]


def unit_changes(before: Iterable[NodeView], after: Iterable[NodeView], keys: Iterable[str]) -> tuple[UnitChange, ...]:
    """What happens to the units of each key between two states of the same nodes, in order of key and unit."""
    before, after = tuple(before), tuple(after)
    found = []
    for key in sorted(set(keys)):
        old, new = units_of(before, key), units_of(after, key)
        for name in sorted({*old, *new}):
            was = {node.name for node in old[name].nodes} if name in old else set()
            now = {node.name for node in new[name].nodes} if name in new else set()
            if was != now:
                verb: Literal["appears", "vanishes", "changes"] = (
                    "changes" if was and now else "appears" if now else "vanishes"
                )
                found.append(UnitChange(key, name, verb, tuple(sorted(now - was)), tuple(sorted(was - now))))
    return tuple(found)
