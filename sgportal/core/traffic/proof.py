"""The proof of a closed loop: for each node, where its traffic to a Service goes, and whether that is as it should be.

It reads what is there, whoever wrote it, with kube-proxy's own rule; nothing is taken on trust.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..text import Sentence, say
from ..units import NodeView
from .proxy import Backend, PortName, Table, behind_wrapper, belongs_to, here, merged, obeys_hints, table
from .service import ServiceFacts
from .slices import is_kept, sentinel_number
from .topology import Places, places

State = Literal["closed", "refusing", "open", "leaking", "unsupported"]
STATES: tuple[State, ...] = ("leaking", "unsupported", "refusing", "open", "closed")


@dataclass(frozen=True, slots=True)
class NodeProof:
    """Where one node's traffic goes, over all ports of the Service.

    `state` is `closed` (to endpoints of its NodeUnit only), `refusing` (nowhere), `open` (beyond its NodeUnit, as the
    mode allows), `leaking` (beyond what the mode allows, and `guilty` are the endpoints it should not reach) or
    `unsupported` (by which rule is not known). `mode` is the Service's; `endpoints` are those that the node
    reaches, without sentinels. `refused` are ports of a closed one at which it is refused.
    """

    node: str
    unit: str
    mode: str
    state: State
    reason: Sentence
    endpoints: tuple[Backend, ...] = ()
    guilty: tuple[Backend, ...] = ()
    refused: tuple[PortName, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """A Service with all that lists endpoints for it: a table for each of `ports`, behind SuperEdge's wrapper for mode
    wrapper. `sentinels` are names of slices that only refuse, `ready` the units that have a ready endpoint,
    `doubt` says why no node's rule is known."""

    service: ServiceFacts
    where: Places
    ports: tuple[PortName, ...]
    tables: tuple[Table, ...]
    wrapped: tuple[tuple[Mapping[str, Table], Table], ...]
    sentinels: frozenset[str]
    ready: frozenset[str]
    doubt: Sentence | None


def proof(
    service: ServiceFacts,
    slices: Iterable[Mapping[str, Any]],
    nodes: Iterable[NodeView],
    asked: Iterable[str] | None = None,
    doubt: Sentence | None = None,
) -> tuple[NodeProof, ...]:
    """The proof for each node, or for those `asked`, in order of name. `nodes` are all nodes of the cluster. `slices`
    may be any: those that carry the Service's name count, whoever wrote them. `doubt` is why another rule than
    kube-proxy's holds, in which case nothing is claimed."""
    nodes = sorted(nodes, key=lambda each: each.name)
    case = _case(service, slices, nodes, doubt)
    names = None if asked is None else set(asked)
    return tuple(_judged(case, node) for node in nodes if names is None or node.name in names)


def _case(
    service: ServiceFacts, slices: Iterable[Mapping[str, Any]], nodes: Sequence[NodeView], doubt: Sentence | None
) -> _Case:
    where = places(nodes, service.key)
    counted = tuple(each for each in slices if belongs_to(each, service.namespace, service.name))
    ports = tuple(PortName(port.name, port.protocol, family) for family in service.families for port in service.ports)
    backends = [merged(counted, port, where.unit) for port in ports]
    tables = tuple(table(each) for each in backends)
    values = {node.name: node.labels[service.key] for node in nodes if service.key in node.labels}
    wrapped = service.closure.mode == "wrapper"
    sentinels = frozenset(str(each["metadata"]["name"]) for each in counted if is_kept(each) and sentinel_number(each))
    ready = frozenset(each.unit for one in tables for each in one.ready)
    return _Case(
        service,
        where,
        ports,
        tables,
        tuple(behind_wrapper(each, service.name, values) for each in backends) if wrapped else (),
        sentinels,
        ready - {""},
        doubt,
    )


def _judged(case: _Case, node: NodeView) -> NodeProof:
    unit = case.where.unit[node.name]
    by_port = [tuple(each for each in several if each.slice not in case.sentinels) for several in _reached(case, node)]
    real = tuple(dict.fromkeys(each for several in by_port for each in several))
    sentence = say("only endpoints of NodeUnit “%(unit)s”", unit=unit)
    mode = case.service.closure.mode
    found = NodeProof(node.name, unit, mode, "closed", sentence, real)
    if case.doubt:
        return replace(found, state="unsupported", reason=case.doubt)
    if case.service.closure.steered and not obeys_hints(node.version):
        return replace(found, state="unsupported", reason=_unsupported(node.version))
    if not real:
        return replace(found, state="refusing", reason=_why_refused(case, unit))
    beyond = tuple(each for each in real if not unit or each.unit != unit)
    guilty = tuple(each for each in beyond if not _allowed(case, unit, each.unit))
    if guilty:
        return replace(found, state="leaking", reason=_why_leaking(case, node, guilty[0]), guilty=guilty)
    if beyond:
        return replace(found, state="open", reason=_where_to(case, unit, beyond))
    if mode == "wrapper":
        return replace(found, reason=BEHIND_WRAPPER)
    refused = tuple(port for port, several in zip(case.ports, by_port, strict=True) if not several)
    return replace(found, reason=_but_for(unit, refused), refused=refused) if refused else found


def _but_for(unit: str, refused: Sequence[PortName]) -> Sentence:
    ports = ", ".join(f"{each.name or each.protocol} ({each.family})" for each in refused)
    return say("only endpoints of NodeUnit “%(unit)s”, and nobody at %(ports)s", unit=unit, ports=ports)


BEHIND_WRAPPER = say(
    "only endpoints of its own NodeUnit where SuperEdge's application-grid-wrapper runs on the node; without it, "
    "traffic goes to every NodeUnit"
)


def _reached(case: _Case, node: NodeView) -> Iterator[tuple[Backend, ...]]:
    zone = case.where.zone[node.name]
    if case.service.closure.mode == "wrapper":
        value = node.labels.get(case.service.key)
        found = [tables.get(value, rest) if value is not None else rest for tables, rest in case.wrapped]
    else:
        found = list(case.tables)
    if case.service.local:
        yield from (here(each, node.name) for each in found)
    else:
        yield from (each.of(node.name, zone) for each in found)


def _allowed(case: _Case, unit: str, other: str) -> bool:
    """Whether traffic from a unit may go to another ("" for a node or endpoint in none)."""
    closure = case.service.closure
    if closure.mode in ("prefer", "open"):
        return True
    return closure.mode == "failover" and bool(unit) and unit not in case.ready and other in closure.failover


def _where_to(case: _Case, unit: str, beyond: Iterable[Backend]) -> Sentence:
    units = ", ".join(sorted({each.unit or "–" for each in beyond}))
    if case.service.closure.mode == "open":
        return say("goes to every endpoint, among them those of %(units)s: mode “open” keeps nothing", units=units)
    if not unit:
        return say("the node is in no NodeUnit of this key; goes to %(units)s, as the mode allows", units=units)
    if unit in case.ready:
        return say("no endpoint of NodeUnit “%(unit)s” names this node; goes to %(units)s", unit=unit, units=units)
    return say("NodeUnit “%(unit)s” has no ready endpoint; goes to %(units)s", unit=unit, units=units)


def _why_refused(case: _Case, unit: str) -> Sentence:
    if not unit:
        return say("the node is in no NodeUnit of this key")
    if unit not in case.ready:
        if case.service.closure.mode == "failover" and case.ready & {*case.service.closure.failover}:
            return say(
                "NodeUnit “%(unit)s” has no ready endpoint, and those it may borrow from have no room", unit=unit
            )
        return say("NodeUnit “%(unit)s” has no ready endpoint", unit=unit)
    if case.service.local:
        return say("no ready endpoint stands on this node, and internalTrafficPolicy Local allows no other")
    return say("NodeUnit “%(unit)s” has more nodes than its ready endpoints can name", unit=unit)


def _why_leaking(case: _Case, node: NodeView, guilty: Backend) -> Sentence:
    """The endpoint it reaches, and the cause: one without hints opens the Service everywhere."""
    bare = next((each for one in case.tables for each in one.ready if not each.nodes), None)
    where = say("%(address)s (EndpointSlice %(slice)s)", address=str(guilty), slice=guilty.slice)
    if case.service.closure.steered and bare and node.name not in guilty.nodes:
        return say(
            "goes to %(endpoint)s: the endpoint %(bare)s of EndpointSlice %(slice)s has no hints, which opens the "
            "Service to every node",
            endpoint=where,
            bare=str(bare),
            slice=bare.slice,
        )
    if guilty.node:
        unit = guilty.unit or "–"
        return say("goes to %(endpoint)s on node %(node)s of %(unit)s", endpoint=where, node=guilty.node, unit=unit)
    return say("goes to %(endpoint)s, of which nobody says on which node it is", endpoint=where)


def _unsupported(version: str) -> Sentence:
    if not version or obeys_hints(version) is None:
        return say("the version of its kube-proxy is not known; hints for nodes are obeyed from 1.34 on")
    return say("its version is %(version)s; a kube-proxy obeys hints for nodes from 1.34 on", version=version)
