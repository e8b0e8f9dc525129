"""What each node reaches of a ServiceGrid's Service, as the page shows it: the gravest first, each pod once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...core.status.remedies import Remedy
from ...core.text import Sentence
from ...core.traffic.proof.proof import STATES, NodeProof
from .remedies import Button, buttons

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


@dataclass(frozen=True, slots=True)
class Site:
    """The nodes of a NodeUnit ("" for those in none): how many are in which state, what several of them have in common
    to say, and what can be done about it, each button once."""

    unit: str
    counts: Sequence[tuple[str, int]]
    sentences: Sequence[Sentence]
    buttons: Sequence[Button]
    rows: Sequence[Row]


def gravest_first(proofs: Iterable[NodeProof]) -> list[NodeProof]:
    """The nodes by NodeUnit, the one with the gravest node on top; in it the gravest node on top; equals by name."""
    found = list(proofs)
    gravest: dict[str, int] = {}
    for each in found:
        gravest[each.unit] = min(gravest.get(each.unit, len(STATES)), STATES.index(each.state))
    return sorted(found, key=lambda each: (gravest[each.unit], each.unit, STATES.index(each.state), each.node))


def by_site(proofs: Iterable[NodeProof], doors: Mapping[tuple[str, str], Iterable[Remedy]]) -> list[Site]:
    """The nodes, which are in order of NodeUnit, grouped by it; `doors` are remedies by reason and NodeUnit."""
    return [_site(unit, list(nodes), doors) for unit, nodes in groupby(proofs, key=lambda each: each.unit)]


def _site(unit: str, nodes: Sequence[NodeProof], doors: Mapping[tuple[str, str], Iterable[Remedy]]) -> Site:
    said = Counter(each.sentence for each in nodes)
    shared = [sentence for sentence, count in said.items() if count > 1]
    found = dict.fromkeys(remedy for each in nodes for remedy in doors.get((each.reason, unit), ()))
    return Site(unit, counted(nodes), shared, buttons(found), [row(each) for each in nodes])


def counted(proofs: Iterable[NodeProof]) -> list[tuple[str, int]]:
    """How many nodes are in each state that any is in, the gravest first."""
    found = Counter(each.state for each in proofs)
    return [(state, found[state]) for state in STATES if found[state]]
