"""Why things are unhealthy, grouped: one cause for everything that fails for the same reason."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..health import State, severity
from ..text import Sentence

NODE_NOT_READY, NODE_UNKNOWN = "NodeNotReady", "NodeUnknown"
# What is said of a cell only because its nodes are so: the nodes are the cause.
_FOLLOWS_FROM = {"NoReadyNode": NODE_NOT_READY, "NodesUnreachable": NODE_UNKNOWN}


@dataclass(frozen=True, slots=True)
class Cause:
    """A CamelCase `reason` that makes cells (a grid in a NodeUnit) or nodes unhealthy, and the worst state they are in.

    `cells`, `units`, `grids` and `nodes` count what it concerns; `unit` and `path` are the NodeUnit and grid of one
    example, about which `sentence` speaks ("", "" and None where it concerns nodes alone)."""

    reason: str
    state: State
    cells: int = 0
    units: int = 0
    grids: int = 0
    nodes: int = 0
    unit: str = ""
    path: str = ""
    sentence: Sentence | None = None

    @property
    def name(self) -> str:
        """The name of the grid of the example."""
        return self.path.rpartition("/")[2]

    @property
    def of_nodes(self) -> bool:
        """Whether nodes are the cause, so that they are to be looked at first."""
        return self.nodes > 0


def worst_first(causes: Iterable[Cause]) -> list[Cause]:
    """The causes in the order of `health.STATES`; among equals the one that concerns most on top, then by reason."""
    return sorted(causes, key=lambda each: (severity(each.state), -max(each.cells, each.nodes), each.reason))


def grouped(of_cells: Iterable[Cause], of_nodes: Iterable[Cause]) -> list[Cause]:
    """All causes, the worst first; what cells suffer only because of their nodes counts with the nodes' cause."""
    nodes = {each.reason: each for each in of_nodes}
    found: list[Cause] = []
    for each in of_cells:
        root = nodes.get(_FOLLOWS_FROM.get(each.reason, ""))
        if root is None:
            found.append(each)
        else:
            nodes[root.reason] = _with_consequences(root, each)
    return worst_first([*found, *nodes.values()])


def _with_consequences(root: Cause, cells: Cause) -> Cause:
    worse = min(root.state, cells.state, key=severity)
    return replace(root, state=worse, cells=root.cells + cells.cells, grids=max(root.grids, cells.grids))
