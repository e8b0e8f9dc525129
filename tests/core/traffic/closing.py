"""Small worlds for the closed loop: nodes, pods, a Service of ours, and what their kube-proxies do."""

from typing import Any

from hypothesis import strategies as st

from sgportal.core.names import NO_NODE, NO_ZONE, ZONE
from sgportal.core.pods import PodView
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.proof.proxy import PortName, effective
from sgportal.core.traffic.service import ServiceFacts, ServicePort
from sgportal.core.traffic.slices.sentinels import Refusal, names_nodes, sentinel_number
from sgportal.core.traffic.slices.slices import wanted
from sgportal.core.traffic.slices.topology import places
from sgportal.core.units import NodeView

from ..builders import frozen

KEY = "site"
STRICT = Closure("strict")
REFUSAL = Refusal({"IPv4": ("10.96.0.200", "10.96.0.201"), "IPv6": ("fd00:96::200", "fd00:96::201")})
HTTP = ServicePort("http", "TCP", 80, 8080)
METRICS = ServicePort("metrics", "TCP", 9090, "metrics")


def a_node(name: str, unit: str = "", zone: str = "", version: str = "v1.34.1") -> NodeView:
    labels = {KEY: unit} if unit else {}
    return NodeView(name, frozen(labels | ({ZONE: zone} if zone else {})), version=version)


def a_pod(name: str, node: str, **options: Any) -> PodView:
    number = sum(ord(char) * 31**i for i, char in enumerate(name)) % 60000
    found: dict[str, Any] = {
        "labels": frozen({"app": "web"}),
        "ips": (f"10.1.{number // 250}.{number % 250 + 1}",),
        "ready": True,
        "phase": "Running",
        "uid": f"uid-{name}",
    }
    return PodView(**{"namespace": "shop", "name": name, "node": node, **found, **options})


def a_service(closure: Closure = STRICT, *ports: ServicePort, **options: Any) -> ServiceFacts:
    labels = options.pop("labels", {"team": "shop"})
    selector = frozen({"app": "web"})
    return ServiceFacts(
        "shop", "web-svc", "uid-web", closure, KEY, selector, ports or (HTTP,), labels=frozen(labels), **options
    )


def decide(service, nodes, pods, live=(), trigger="", refusal=REFUSAL):
    """What is wanted, with every input frozen."""
    return wanted(service, places(nodes, KEY), pods, refusal, [frozen(each) for each in live], trigger)


def reached(slices, node, port=HTTP, family="IPv4"):
    """(names of pods, whether a sentinel is among the answers) of a node's kube-proxy."""
    found = effective(slices, node, PortName(port.name, port.protocol, family))
    sentinels = {each["metadata"]["name"] for each in slices if sentinel_number(each)}
    return {each.pod for each in found if each.slice not in sentinels}, any(each.slice in sentinels for each in found)


def real(slices):
    return [each for each in slices if not sentinel_number(each)]


def sentinels(slices):
    return [each for each in slices if sentinel_number(each)]


def names(endpoint, kind="forNodes"):
    return [each["name"] for each in endpoint["hints"][kind]]


def named_by_sentinels(slices):
    """The nodes that sentinels name, by port of the Service."""
    found: dict[str, set[str]] = {}
    for each in filter(names_nodes, sentinels(slices)):
        for port in each["ports"]:
            found.setdefault(port["name"], set()).update(node for e in each["endpoints"] for node in names(e))
    return found


def zones_of(slices):
    naming = (each for each in sentinels(slices) if not names_nodes(each))
    return {zone for each in naming for endpoint in each["endpoints"] for zone in names(endpoint, "forZones")}


def carried_out(live, planned):
    """The live slices after each write, the first state included."""
    state = {each["metadata"]["name"]: each for each in live}
    yield list(state.values())
    for write in planned:
        if write.verb == "delete":
            del state[write.name]
        else:
            assert (write.name in state) == (write.verb == "update")
            state[write.name] = write.body
        yield list(state.values())


ZONES = ("", "z1", "z2", "z3", NO_ZONE)
UNITS = ("", "a", "b", "c")


@st.composite
def nodes(draw, units=UNITS, most=30):
    """Up to `most` nodes, often many of one unit, some with names and zones that only malice chooses."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(units), st.sampled_from(ZONES)), max_size=most))
    hostile = draw(st.booleans())
    return tuple(
        a_node(NO_NODE if hostile and i == 3 else f"n{i:02}", unit, zone) for i, (unit, zone) in enumerate(drawn)
    )


@st.composite
def pods(draw, known, most=8):
    places_ = [node.name for node in known] + ["gone", ""]
    options = st.fixed_dictionaries(
        {
            "node": st.sampled_from(places_),
            "ready": st.booleans() | st.just(True),
            "terminating": st.sampled_from([False, False, True]),
            "phase": st.sampled_from(["Running", "Running", "Running", "Succeeded", "Failed"]),
            "ports": st.sampled_from([(), (("metrics", 9000, "TCP"),), (("metrics", 9001, "TCP"),)]),
        }
    )
    drawn = draw(st.lists(options, max_size=most))
    return tuple(a_pod(f"p{i}", each.pop("node"), **each) for i, each in enumerate(drawn))


@st.composite
def worlds(draw, most_nodes=30, most_pods=8):
    """(nodes, pods)."""
    known = draw(nodes(most=most_nodes))
    return known, draw(pods(known, most_pods))


def closures():
    """A mode that we keep, with units to borrow from where it has some."""
    listed = st.lists(st.sampled_from(UNITS[1:]), min_size=1, unique=True)
    return st.sampled_from([Closure("strict"), Closure("prefer")]) | listed.map(
        lambda units: Closure("failover", tuple(units))
    )


@st.composite
def crowds(draw):
    """(nodes, pods) of so many NodeUnits that their endpoints fill several slices."""
    sizes = draw(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 8)), min_size=8, max_size=25))
    known = [a_node(f"{unit:02}-{i}", f"u{unit:02}") for unit, (count, _) in enumerate(sizes) for i in range(count)]
    down = draw(st.integers(2, 9))
    present = [
        a_pod(f"p{unit:02}-{i}", f"{unit:02}-{i % count}", ready=(unit * 7 + i) % down > 0)
        for unit, (count, pods_) in enumerate(sizes)
        for i in range(pods_)
    ]
    return [*known, a_node("lone")], present
