"""What CoreDNS is told, so that one name has in each NodeUnit the answer of that NodeUnit (decision 0017).

A question from a NodeUnit is known by its address (plugin `view`). Its name gets the NodeUnit's as a part (plugin
`rewrite`) and is asked of the same server again (`forward`), which turns it into the name that Kubernetes knows and
asks itself once more. So the rules are written once per Service, a NodeUnit costs a few lines, and pods that come and
go change nothing here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..addresses import Network
from ..names import child_name, child_name_problem, front_name, front_name_problem

ZONE = "unit.sgportal"  # of names with a NodeUnit's in them; no resolver outside is ever asked for it
MOST_BYTES = 900_000  # of a ConfigMap's data: etcd takes a request of 1.5 MiB, the API server a ConfigMap of 1 MiB
_HEAD = "# Kept by sgportal: changes are overwritten.\n"


@dataclass(frozen=True, slots=True)
class Governed:
    """A ServiceGrid's Service: where it is, its NodeGroup, the StatefulSetGrids whose pods it names, and whether it has
    a Service for each NodeUnit beside it, which answers for its own name."""

    namespace: str
    grid: str
    key: str
    sets: tuple[str, ...] = ()
    fronted: bool = False

    @property
    def service(self) -> str:
        """The Service's name."""
        return child_name(self.grid, "Service", "")

    @property
    def path(self) -> str:
        """`<namespace>/<grid>`."""
        return f"{self.namespace}/{self.grid}"


@dataclass(frozen=True, slots=True)
class Server:
    """The cluster's DNS server: the domain it answers for, and the port it is reached at within its own pod."""

    domain: str = "cluster.local"
    port: int = 53


@dataclass(frozen=True, slots=True)
class Fragment:
    """The text, and the StatefulSetGrids, by path of their ServiceGrid, whose short names it leaves out, since they are
    names of other pods."""

    text: str
    ambiguous: Mapping[str, tuple[str, ...]]


def fragment(
    governed: Iterable[Governed], sources: Mapping[str, Mapping[str, Sequence[Network]]], server: Server
) -> Fragment:
    """The server blocks for these Services; `sources` are the networks of the NodeUnits of each key. The text is ""
    where nothing is to be told apart."""
    services = sorted((each for each in governed if each.sets or each.fronted), key=lambda each: each.path)
    ambiguous = {each.path: taken for each in services if (taken := _taken(each, sources.get(each.key, {})))}
    told = [each for each in services if each.fronted or set(each.sets) - set(ambiguous.get(each.path, ()))]
    if not told:
        return Fragment("", ambiguous)
    blocks = [_rules(told, ambiguous, server)]
    for key in sorted({each.key for each in told}):
        zones = [f"{each.service}.{each.namespace}.svc.{server.domain}" for each in told if each.key == key]
        for unit, networks in sorted(sources.get(key, {}).items()):
            if networks and is_possible(unit):
                blocks.append(_view(key, unit, networks, zones, server))
    return Fragment(_HEAD + "\n".join(blocks), ambiguous)


def is_possible(unit: str) -> bool:
    """Whether a NodeUnit's name can be a part of a host's name. Where it cannot, there is no StatefulSet either."""
    return child_name_problem("a", "StatefulSet", unit) is None and front_name_problem("a", unit) is None


def _taken(service: Governed, units: Iterable[str]) -> tuple[str, ...]:
    """The grids of which a short name, `<grid>-0`, is that of a pod of another's: where one is named as the other's
    StatefulSet in some NodeUnit."""
    children = {child_name(grid, "StatefulSet", unit) for grid in service.sets for unit in units}
    return tuple(sorted(children & set(service.sets)))


def _rules(services: Sequence[Governed], ambiguous: Mapping[str, Sequence[str]], server: Server) -> str:
    """The block that turns names with a NodeUnit in them into those that Kubernetes knows."""
    lines = [f"{ZONE}:{server.port} {{", "    errors"]
    for each in services:
        left = sorted(set(each.sets) - set(ambiguous.get(each.path, ())))
        for pattern, name in _names(each, left):
            lines += _rewrite(rf"{pattern}\.{each.namespace}\.svc", f"{name}.{each.namespace}.svc.{server.domain}.")
    lines += _rewrite(r"(.*\.svc)", f"{{1}}.{server.domain}.", unit="[^.]+")
    return "\n".join([*lines, *_to_itself(server)])


def _names(service: Governed, sets: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Patterns of names, and what they stand for in a NodeUnit, `{2}`; each pattern has one group, `{1}`."""
    name = service.service
    for grid in sets:
        yield rf"{grid}-([0-9]+)\.{name}", f"{child_name(grid, 'StatefulSet', '{2}')}-{{1}}.{name}"
    if service.fronted:  # with what a question of type SRV has before it
        yield rf"((?:_[^.]+\._[^.]+\.)?){name}", f"{{1}}{front_name(service.grid, '{2}')}"


def _rewrite(pattern: str, name: str, unit: str = "([^.]+)") -> list[str]:
    return [
        "    rewrite stop {",
        rf"        name regex ^{pattern}\.{unit}\.{re.escape(ZONE)}\.$ {name}",
        "        answer auto",
        "    }",
    ]


def _view(key: str, unit: str, networks: Sequence[Network], zones: Sequence[str], server: Server) -> str:
    """The block of a NodeUnit: its questions about these Services."""
    within = " || ".join(map(_inside, networks))
    return "\n".join(
        [
            " ".join(f"{zone}:{server.port}" for zone in zones) + " {",
            f"    view {key}={unit} {{",
            f"        expr {within}",
            "    }",
            "    errors",
            f"    rewrite stop name suffix .{server.domain}. .{unit}.{ZONE}. answer auto",
            *_to_itself(server),
        ]
    )


def _inside(network: Network) -> str:
    """The expression for an address within a network. There are as many of them as nodes, and each question is held
    against all: comparing text is some ten times as fast as reading a network."""
    if network.num_addresses == 1:
        return f"client_ip() == '{network.network_address}'"
    exact = f"incidr(client_ip(), '{network}')"
    if network.version == 6:
        return f"client_ip() contains ':' && {exact}"
    whole, rest = divmod(network.prefixlen, 8)
    begins = ".".join(str(network.network_address).split(".")[:whole]) + "."
    if not whole:
        return exact
    return f"client_ip() startsWith '{begins}'" + (f" && {exact}" if rest else "")


def _to_itself(server: Server) -> list[str]:
    return [f"    forward . 127.0.0.1:{server.port}", "}", ""]
