"""The addresses that a NodeUnit's questions come from: the networks of its nodes' pods, and the nodes' own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_network

from ..addresses import Network


@dataclass(frozen=True, slots=True)
class Asking:
    """A node: the NodeUnit it is in, and what its questions may come from (addresses, networks, as Kubernetes writes
    them). `placed`: whether it has a network for its pods, without which only its own address is known."""

    node: str
    unit: str
    networks: tuple[str, ...]
    placed: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    """Per NodeUnit the networks that are its alone, and the nodes, in order, of which not all questions can be told
    from those of other NodeUnits."""

    of_unit: Mapping[str, tuple[Network, ...]]
    unknown: tuple[str, ...]


def sources(nodes: Iterable[Asking]) -> Sources:
    """Where each NodeUnit's questions come from. A network that two NodeUnits have a share in is nobody's: an answer
    for the wrong one would be worse than the answer that everybody gets."""
    found: list[tuple[Network, Asking]] = []
    unknown = set()
    for node in nodes:
        read = [each for each in map(_read, node.networks) if each]
        found += [(each, node) for each in read]
        if not node.placed or len(read) < len(node.networks):
            unknown.add(node.node)
    shared = {version: _shared([each for each in found if each[0].version == version]) for version in (4, 6)}
    own: dict[str, list[Network]] = {}
    for network, node in found:
        if network in shared[network.version]:
            unknown.add(node.node)
        else:
            own.setdefault(node.unit, []).append(network)
    return Sources({unit: _collapsed(own[unit]) for unit in sorted(own)}, tuple(sorted(unknown)))


def _read(text: str) -> Network | None:
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    return None if found.is_loopback and found.num_addresses == 1 else found


def _shared(found: Sequence[tuple[Network, Asking]]) -> set[Network]:
    """The networks of one family that overlap with one of another NodeUnit. Networks are apart or one within the other,
    so in order of address each is compared with those it lies within."""
    shared: set[Network] = set()
    around: list[tuple[Network, str]] = []
    for network, node in sorted(found, key=lambda each: (int(each[0].network_address), each[0].prefixlen)):
        while around and int(around[-1][0].broadcast_address) < int(network.network_address):
            around.pop()
        others = [each for each, unit in around if unit != node.unit]
        if others:
            shared.update((network, *others))
        around.append((network, node.unit))
    return shared


def _collapsed(networks: Sequence[Network]) -> tuple[Network, ...]:
    """The same addresses in as few networks as can be."""
    found: list[Network] = []
    for version in (4, 6):
        found += collapse_addresses(each for each in networks if each.version == version)  # type: ignore[type-var]
    return tuple(found)
