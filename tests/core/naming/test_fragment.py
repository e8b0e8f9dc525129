"""What CoreDNS is told. That CoreDNS makes of it what it should is tried with a real one, in tests/closed_loop."""

import re
from ipaddress import ip_network

import pytest

from sgportal.core.naming.fragment import Governed, Server, fragment

SITE = {"a": [ip_network("10.0.1.0/24")], "b": [ip_network("10.0.2.0/23"), ip_network("192.168.0.7")]}
WEB = Governed("shop", "web", "site", ("db", "web"), True)


def told(*services, units=SITE, **server):
    return fragment(services, {"site": units}, Server(**server))


def rewritten(text, name):
    """What the first rule that matches makes of a name, as CoreDNS's `name regex` does."""
    for pattern, result in re.findall(r"name regex (\S+) (\S+)", text):
        if found := re.search(pattern, name):
            return re.sub(r"{(\d)}", lambda group: found[int(group[1])], result)
    return name


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("web-0.web-svc.shop.svc.a", "web-a-0.web-svc.shop.svc"),
        ("db-12.web-svc.shop.svc.b", "db-b-12.web-svc.shop.svc"),
        ("web-svc.shop.svc.a", "web-a.shop.svc"),
        ("_http._tcp.web-svc.shop.svc.a", "_http._tcp.web-a.shop.svc"),
        # Whole names, and those of nobody's, are as they were.
        ("web-a-0.web-svc.shop.svc.b", "web-a-0.web-svc.shop.svc"),
        ("my-web-0.web-svc.shop.svc.a", "my-web-0.web-svc.shop.svc"),
        ("web-0x.web-svc.shop.svc.a", "web-0x.web-svc.shop.svc"),
        ("web-0.web-svc.shopping.svc.a", "web-0.web-svc.shopping.svc"),
        ("x.web-svc.shop.svc.a", "x.web-svc.shop.svc"),
    ],
)
def test_a_short_name_is_that_of_the_units_own_pod(asked, meant):
    assert rewritten(told(WEB).text, f"{asked}.unit.sgportal.") == f"{meant}.cluster.local."


def test_a_unit_is_known_by_its_addresses():
    text = told(WEB, Governed("shop", "api", "site", ("api",)), domain="edge.example", port=1053).text
    views = re.findall(r"^(web.*|api.*) {\n    view (\S+) {\n        expr (.*)\n", text, re.MULTILINE)
    zones = "api-svc.shop.svc.edge.example:1053 web-svc.shop.svc.edge.example:1053"
    second = "client_ip() startsWith '10.0.' && incidr(client_ip(), '10.0.2.0/23') || client_ip() == '192.168.0.7'"
    assert views == [(zones, "site=a", "client_ip() startsWith '10.0.1.'"), (zones, "site=b", second)]
    assert set(re.findall(r"forward (.*)", text)) == {". 127.0.0.1:1053"}
    assert "rewrite stop name suffix .edge.example. .a.unit.sgportal. answer auto" in text


def test_nothing_is_told_where_nothing_differs():
    assert told(Governed("shop", "web", "site")).text == ""
    assert "view" not in told(WEB, units={}).text
    hostile = {"A_b": [ip_network("10.0.1.0/24")], "x}": [ip_network("10.0.2.0/24")], "c": []}
    assert "view" not in told(WEB, units=hostile).text  # none of them can have a StatefulSet


def test_a_short_name_that_is_another_pods_stays_that_ones():
    """Grid “db” has in unit “a” the StatefulSet “db-a”, whose first pod is what “db-a” would call its own."""
    found = told(Governed("shop", "web", "site", ("db", "db-a"), False))
    assert found.ambiguous == {"shop/web": ("db-a",)}
    assert rewritten(found.text, "db-a-0.web-svc.shop.svc.b.unit.sgportal.") == "db-a-0.web-svc.shop.svc.cluster.local."
    assert rewritten(found.text, "db-0.web-svc.shop.svc.b.unit.sgportal.") == "db-b-0.web-svc.shop.svc.cluster.local."
    assert told(Governed("shop", "web", "site", ("db", "db-c"))).ambiguous == {}


def test_a_thousand_units_find_room():
    units = {
        f"site-{n:04}": [ip_network(f"10.{n >> 8}.{n & 255}.0/24"), ip_network(f"172.16.{n >> 8}.{n & 255}")]
        for n in range(1000)
    }
    services = [Governed("shop", f"web{n}", "site", (f"db{n}",), True) for n in range(10)]
    assert len(told(*services, units=units).text) < 700_000
