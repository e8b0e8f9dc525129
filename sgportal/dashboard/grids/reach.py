"""What each node reaches of a ServiceGrid's Service, as the page shows it: the gravest first, each pod once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...core.traffic.proof.proof import STATES, NodeProof

SHOWN = 6  # pods of a node that are seen at once; the rest unfold


@dataclass(frozen=True, slots=True)
class Target:
    """A pod, or an address that no pod is named for, with all that a node reaches of it. `guilty`: it should not."""

    name: str
    node: str
    addresses: tuple[str, ...]
    guilty: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A node's proof, and what it reaches: nothing is claimed where its kube-proxy's rule is not known."""

    proof: NodeProof
    targets: tuple[Target, ...]

    @property
    def first(self) -> tuple[Target, ...]:
        """Those that are seen at once."""
        return self.targets[:SHOWN]

    @property
    def rest(self) -> tuple[Target, ...]:
        """Those that unfold."""
        return self.targets[SHOWN:]


def row(proof: NodeProof) -> Row:
    """A node as the page shows it."""
    addresses: dict[tuple[str, str], list[str]] = {}
    accused: set[tuple[str, str]] = set()
    for each in proof.endpoints if proof.state != "unknown" else ():
        place = (each.pod or str(each), each.node)
        addresses.setdefault(place, []).append(str(each))
        if each in proof.guilty:
            accused.add(place)
    targets = (Target(*place, tuple(several), place in accused) for place, several in addresses.items())
    return Row(proof, tuple(sorted(targets, key=lambda target: not target.guilty)))


def gravest_first(proofs: Iterable[NodeProof]) -> list[NodeProof]:
    """The nodes that want attention on top; among equals by name."""
    return sorted(proofs, key=lambda each: (STATES.index(each.state), each.node))


def counted(proofs: Iterable[NodeProof]) -> list[tuple[str, int]]:
    """How many nodes are in each state that any is in, the gravest first."""
    found = Counter(each.state for each in proofs)
    return [(state, found[state]) for state in STATES if found[state]]
