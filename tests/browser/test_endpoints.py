"""The endpoints of a ServiceGrid, in every state that its nodes may be in: readable, accessible, on any screen."""

from dataclasses import dataclass
from typing import Any

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.names import SERVICE_NAME
from sgportal.core.plans.desired import service_of
from sgportal.core.traffic.closure import UNKNOWN
from sgportal.core.traffic.slices.slices import Refusal, wanted
from sgportal.core.traffic.slices.topology import places
from sgportal.models import Node, Pod, Slice
from tests.builders import a_grid as a_deployment_grid
from tests.builders import a_node, a_person, a_pod, a_service, news

from .conftest import visiting

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PAGE = "/grids/servicegrids/default/echo/"


@dataclass
class Site:
    """The pages, served from rows that a test made, with the cookies of somebody logged in. It streams no news."""

    url: str
    state: dict[str, Any]


@pytest.fixture
def site(live_server, client):
    client.force_login(a_person())
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    return Site(live_server.url, {"cookies": [session], "origins": []})


def no_news(route):
    route.fulfill(content_type="text/event-stream", body="retry: 3600000\n\n")


def nodes(*spots, version="v1.37.2"):
    """Nodes in units ("" for none)."""
    for index, unit in enumerate(spots):
        node = a_node(f"node{index}", **({"zone": unit} if unit else {}))
        node.info = {"nodeInfo": {"kubeletVersion": version}}
        node.save()


def grid(mode="strict", families=("IPv4",), **options):
    made = a_service()
    made.spec["template"]["ipFamilies"] = list(families)
    made.spec["closure"] = {"mode": mode, **options}
    made.status = {"conditions": [], "closure": mode}
    made.save()
    return made


def kept(made):
    """What the keeper would have written."""
    service = service_of(parse(made.source()), UNKNOWN)
    seen = Node.objects.proxied_views()
    found = wanted(service, places(seen, made.key), Pod.objects.views(), Refusal({"IPv4": "10.96.0.9"}))
    for each in found.slices:
        Slice.objects.create(namespace="default", name=each["metadata"]["name"], service=service.name, body=each)


def pods(unit="a", node="node0", count=1):
    above = a_deployment_grid("echo-with-a-rather-long-name")
    for number in range(count):
        a_pod(above, unit, node, number)


def closed():
    nodes("a", "a", "a")
    pods(count=2)
    kept(grid())


def refusing():
    nodes("a", "a", "b", "")
    pods()
    kept(grid())


def half():
    """Of two families one."""
    nodes("a")
    pods()
    kept(grid(families=("IPv4", "IPv6")))


def crowded():
    """One pod and twelve nodes: four cannot be named."""
    nodes(*["a"] * 12)
    pods()
    kept(grid())


def borrowing():
    nodes("a", "b", "")
    pods()
    kept(grid("failover", failover=["a"]))


def unknown():
    nodes("a", "b", version="")
    pods()
    kept(grid())


def leaking():
    refusing()
    body = {
        "metadata": {"name": "somebody-elses", "namespace": "default", "labels": {SERVICE_NAME: "echo-svc"}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["192.0.2.44"]}],
    }
    Slice.objects.create(namespace="default", name="somebody-elses", service="echo-svc", body=body)


def opened():
    nodes("a", "b", "")
    pods()
    grid("open")


def wrapped():
    nodes("a", "b", "")
    pods()
    grid("wrapper")


def many():
    """Many nodes, and more endpoints than anybody reads."""
    nodes(*(f"unit-{i // 10:02}" for i in range(60)))
    pods("unit-00", "node0", 30)
    kept(grid())


def foreseen():
    nodes("a", "b")
    pods()
    grid()


def invalid():
    nodes("a")
    made = grid()
    made.spec = {}
    made.save()


def empty():
    grid()


def stale():
    refusing()
    news(seconds=4000, unreachable=3600)


STATES = {
    each.__name__: each
    for each in (
        closed,
        refusing,
        half,
        crowded,
        borrowing,
        unknown,
        leaking,
        opened,
        wrapped,
        many,
        foreseen,
        invalid,
        empty,
        stale,
    )
}
VARIANTS = {
    "light-en-1440": {"theme": "light", "language": "en", "width": 1440},
    "dark-zh-400": {"theme": "dark", "language": "zh-hans", "width": 400},
}


@pytest.mark.parametrize("state", STATES)
def test_the_endpoints_in_every_state(chromium, site, state):
    news()
    STATES[state]()
    wrong = []
    for name, variant in VARIANTS.items():
        with visiting(chromium, site, state=site.state, **variant) as visit:
            visit.page.route("**/api/v1/events*", no_news)
            page = visit.open(PAGE)
            visit.shot(f"endpoints-{state}-{name}", full_page=True)
            found = axe.Axe().run(page, options=RULES).response["violations"]
            wrong += [(name, each["id"], each["nodes"][0]["html"][:160]) for each in found]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append((name, "wider than the screen", ""))
    assert wrong == []
