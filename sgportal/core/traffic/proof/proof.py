"""The proof of a closed loop: for each node, where its traffic to a Service goes, and whether that is as it should be.

It reads what is there, whoever wrote it, with the rule of each node's own proxy. Nothing is taken on trust: where
evidence is missing the state is `unknown`, and where several things may be the case it is the worst of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...text import Sentence, say
from ...units import NodeView
from ..rules import IGNORES_HINTS, LATEST, Rule, rule_of
from ..service import ServiceFacts
from .agents import KUBE_PROXY, KUBE_ROUTER, WRAPPER
from .case import Case, Seen, case_of
from .doubts import FILTER_NOT_SEEN, KUBE_ROUTER_SEEN, NO_VERSION, PROXY_NOT_SEEN, Doubt
from .proxy import Backend, PortName
from .worlds import Reached

POD_NOT_SEEN = "PodNotSeen"
State = Literal["closed", "refusing", "open", "leaking", "unknown"]
STATES: tuple[State, ...] = ("leaking", "unknown", "refusing", "open", "closed")


@dataclass(frozen=True, slots=True)
class NodeProof:
    """Where one node's traffic goes, over all ports of the Service.

    `state` is `closed` (to endpoints of its NodeUnit only), `refusing` (nowhere, or not always), `open` (beyond its
    NodeUnit, as the mode allows), `leaking` (beyond what the mode allows, and `guilty` are the endpoints it should not
    reach) or `unknown`; `reason` and `sentence` name the evidence. `mode` is the Service's; `endpoints` are those that
    the node may reach, without sentinels. `refused` are ports of a closed one at which it is refused.
    """

    node: str
    unit: str
    mode: str
    state: State
    reason: str
    sentence: Sentence
    endpoints: tuple[Backend, ...] = ()
    guilty: tuple[Backend, ...] = ()
    refused: tuple[PortName, ...] = ()


def proof(
    service: ServiceFacts,
    slices: Iterable[Mapping[str, Any]],
    nodes: Iterable[NodeView],
    asked: Iterable[str] | None = None,
    seen: Seen | None = None,
) -> tuple[NodeProof, ...]:
    """The proof for each node, or for those `asked`, in order of name. `nodes` are all nodes of the cluster. `slices`
    may be any: those that carry the Service's name count, whoever wrote them."""
    nodes = sorted(nodes, key=lambda each: each.name)
    case = case_of(service, slices, nodes, seen or Seen())
    names = None if asked is None else set(asked)
    return tuple(_judged(case, node) for node in nodes if names is None or node.name in names)


def _judged(case: Case, node: NodeView) -> NodeProof:
    unit, mode = case.where.unit[node.name], case.service.closure.mode
    blank = NodeProof(node.name, unit, mode, "unknown", "", _ONLY_OWN)
    if case.service.external:
        return replace(blank, state="open", reason="ExternalName", sentence=EXTERNAL)
    if case.service.headless:
        endpoints = tuple(dict.fromkeys(each for port in case.outlooks for some in port.listed for each in some))
        return replace(blank, state="open", reason="Headless", sentence=HEADLESS, endpoints=endpoints)
    rule = _rule(case, node)
    reached = _reached(case, node, rule if isinstance(rule, Rule) else LATEST)
    found = replace(blank, endpoints=_real(case, reached))
    if isinstance(rule, Doubt):
        return replace(found, reason=rule.reason, sentence=rule.sentence)
    return _verdict(case, node, rule, reached, found)


def _rule(case: Case, node: NodeView) -> Rule | Doubt:
    """By which rule a node's traffic goes, or why that is not known. Whom mode open reaches no rule need say."""
    mode = case.service.closure.mode
    if case.seen.doubt:
        return case.seen.doubt
    if mode == "wrapper" and not any(each.role == WRAPPER and each.ready for each in node.agents):
        return FILTER_NOT_SEEN
    roles = {each.role for each in node.agents}
    if KUBE_ROUTER in roles and KUBE_PROXY not in roles and mode != "open":
        return KUBE_ROUTER_SEEN
    if node.system == "windows":
        return IGNORES_HINTS
    if node.name in case.unproxied and mode != "open":
        return PROXY_NOT_SEEN
    rule = rule_of(version_on(node), case.service.annotated)
    if rule is None and case.service.closure.manages_slices:
        return NO_VERSION
    return rule or LATEST


def version_on(node: NodeView) -> str:
    """The version of a node's kube-proxy: of its pod, where one was seen, else its kubelet's, which comes with it; ""
    where the pod's image does not tell."""
    proxies = [each for each in node.agents if each.role == KUBE_PROXY]
    return proxies[0].version if proxies else node.version


def _reached(case: Case, node: NodeView, rule: Rule) -> list[Reached]:
    if case.service.closure.mode == "wrapper":
        value = node.labels.get(case.service.key)
        ports = [by_value.get(value, rest) if value is not None else rest for by_value, rest in case.wrapped]
    else:
        ports = list(case.outlooks)
    if case.service.local:
        return [each.here(node.name) for each in ports]
    zone = case.where.zone[node.name]
    return [each.of(node.name, zone, rule) for each in ports]


def _real(case: Case, reached: Iterable[Reached]) -> tuple[Backend, ...]:
    """The endpoints among them, each address once."""
    found: dict[str, Backend] = {}
    for one in reached:
        for each in one.backends:
            if each.slice not in case.sentinels:
                found.setdefault(str(each), each)
    return tuple(found.values())


def _verdict(case: Case, node: NodeView, rule: Rule, reached: Sequence[Reached], found: NodeProof) -> NodeProof:
    unit, mode = found.unit, found.mode
    beyond = tuple(each for each in found.endpoints if not unit or each.unit != unit)
    guilty = tuple(each for each in beyond if not each.unseen and not _allowed(case, unit, each.unit))
    if guilty:
        reason, sentence = _why_leaking(case, node, rule, guilty[0])
        return replace(found, state="leaking", reason=reason, sentence=sentence, guilty=guilty)
    if unseen := next((each for each in found.endpoints if each.unseen), None):
        return replace(found, reason=POD_NOT_SEEN, sentence=_not_seen(unseen))
    if not found.endpoints:
        reason, sentence = _why_refused(case, node, rule, unit)
        return replace(found, state="refusing", reason=reason, sentence=sentence)
    at_times = [
        port
        for port, one in zip(case.ports, reached, strict=True)
        if _real(case, [one]) and (one.nothing or any(each.slice in case.sentinels for each in one.backends))
    ]
    if at_times:
        return replace(found, state="refusing", reason="RefusedAtTimes", sentence=_at_times(at_times))
    if beyond:
        return replace(found, state="open", reason="AsAsked", sentence=_where_to(case, unit, beyond))
    refused = tuple(port for port, one in zip(case.ports, reached, strict=True) if not _real(case, [one]))
    if refused:
        missing = [port for port in refused if port in case.served]
        state: State = "refusing" if missing else "closed"
        reason = "PortWithoutEndpoint" if missing else "OwnUnitOnly"
        return replace(found, state=state, reason=reason, sentence=_but_for(unit, refused), refused=refused)
    sentence = BEHIND_FILTER if mode == "wrapper" else say("only endpoints of NodeUnit “%(unit)s”", unit=unit)
    return replace(found, state="closed", reason="OwnUnitOnly", sentence=sentence)


def _allowed(case: Case, unit: str, other: str) -> bool:
    """Whether traffic from a unit may go to another ("" for a node or endpoint in none)."""
    closure = case.service.closure
    if closure.mode in ("prefer", "open"):
        return True
    return closure.mode == "failover" and bool(unit) and unit not in case.ready and other in closure.failover


_ONLY_OWN = say("only endpoints of its own NodeUnit")
HEADLESS = say(
    "a headless Service hands its clients the addresses of all pods, past every proxy; with “front: perUnit” there is "
    "a headless Service for each NodeUnit, which answers with that NodeUnit's pods only"
)
EXTERNAL = say("a Service of type ExternalName sends its clients to another name, past every proxy")
BEHIND_FILTER = say(
    "only endpoints of its own NodeUnit, by SuperEdge's application-grid-wrapper, which was seen on the node"
)
BY_FILTER = say(
    "only endpoints of its own NodeUnit where SuperEdge's application-grid-wrapper runs on the node; without it, "
    "traffic goes to every NodeUnit"
)


def _at(endpoint: Backend) -> Sentence:
    return say("%(address)s (EndpointSlice %(slice)s)", address=str(endpoint), slice=endpoint.slice)


def _not_seen(endpoint: Backend) -> Sentence:
    return say(
        "goes to %(endpoint)s as well: no pod with that address was seen, so nobody knows where it is",
        endpoint=_at(endpoint),
    )


def _ports(ports: Iterable[PortName]) -> str:
    return ", ".join(f"{each.name or each.protocol} ({each.family})" for each in ports)


def _but_for(unit: str, refused: Iterable[PortName]) -> Sentence:
    return say("only endpoints of NodeUnit “%(unit)s”, and none at %(ports)s", unit=unit, ports=_ports(refused))


def _at_times(ports: Iterable[PortName]) -> Sentence:
    return say(
        "some calls may be refused at %(ports)s: EndpointSlices disagree about an endpoint, or name it and the refusal",
        ports=_ports(ports),
    )


def _where_to(case: Case, unit: str, beyond: Iterable[Backend]) -> Sentence:
    units = ", ".join(sorted({each.unit or "–" for each in beyond}))
    if case.service.closure.mode == "open":
        return say(
            "goes to every endpoint, including those of %(units)s: mode “open” does not restrict traffic", units=units
        )
    if not unit:
        return say("the node is in no NodeUnit of this key; goes to %(units)s, as the mode allows", units=units)
    if unit in case.ready:
        return say("no endpoint of NodeUnit “%(unit)s” names this node; goes to %(units)s", unit=unit, units=units)
    return say("NodeUnit “%(unit)s” has no ready endpoint; goes to %(units)s", unit=unit, units=units)


def _why_refused(case: Case, node: NodeView, rule: Rule, unit: str) -> tuple[str, Sentence]:
    if not unit:
        return "NodeWithoutUnit", say("the node is in no NodeUnit of this key")
    if unit not in case.ready:
        if case.service.closure.mode == "failover" and case.ready & {*case.service.closure.failover}:
            return "LendersFull", say(
                "NodeUnit “%(unit)s” has no ready endpoint, and those it may borrow from have no room", unit=unit
            )
        return "UnitWithoutEndpoint", say("NodeUnit “%(unit)s” has no ready endpoint", unit=unit)
    if case.service.local:
        return "NoLocalEndpoint", say(
            "no ready endpoint is on this node, and internalTrafficPolicy Local allows no other: calls time out"
        )
    if not rule.nodes:
        return "ProxyIgnoresHints", say(
            "%(proxy)s ignores hints for nodes, and in the node's zone calls are refused", proxy=_proxy(node)
        )
    if len(case.where.members.get(unit, ())) <= case.room[unit]:
        return "NodeNotNamed", say(
            "no endpoint of NodeUnit “%(unit)s” names this node yet: its calls are refused until the keeper has "
            "written that",
            unit=unit,
        )
    return "TooManyNodes", say("NodeUnit “%(unit)s” has more nodes than its ready endpoints can name", unit=unit)


def _why_leaking(case: Case, node: NodeView, rule: Rule, guilty: Backend) -> tuple[str, Sentence]:
    """The endpoint it reaches, and the cause: one without hints opens the Service everywhere."""
    where = _at(guilty)
    manages_slices = case.service.closure.manages_slices
    if manages_slices and not rule.nodes:
        return "ProxyIgnoresHints", say(
            "goes to %(endpoint)s: %(proxy)s ignores hints for nodes", endpoint=where, proxy=_proxy(node)
        )
    bare = next((each for one in case.outlooks for some in one.listed for each in some if _is_bare(each)), None)
    if manages_slices and bare and node.name not in guilty.nodes:
        return "EndpointWithoutHints", say(
            "goes to %(endpoint)s: the endpoint %(bare)s of EndpointSlice %(slice)s has no hints, which opens the "
            "Service to every node",
            endpoint=where,
            bare=str(bare),
            slice=bare.slice,
        )
    if guilty.node:
        unit = guilty.unit or "–"
        return "EndpointOfAnotherUnit", say(
            "goes to %(endpoint)s on node %(node)s of %(unit)s", endpoint=where, node=guilty.node, unit=unit
        )
    return "EndpointOnNoNode", say("goes to %(endpoint)s, whose node is unknown", endpoint=where)


def _is_bare(backend: Backend) -> bool:
    return backend.ready and not backend.nodes


def _proxy(node: NodeView) -> Sentence:
    if node.system == "windows":
        return say("kube-proxy on Windows")
    return say("kube-proxy %(version)s", version=version_on(node))
