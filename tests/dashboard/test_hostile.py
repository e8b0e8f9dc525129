"""Names and labels that mean harm are shown as they are, and their links work."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from sgportal.core.text import say
from sgportal.models import AuditEvent, GridEvent, LabelJob, ServiceGroup

from .. import builders
from .addresses import AUDIT, READABLE

NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "a&b=c#d?e%20f+g",
    "华东一区",
    "{{ 7|add:7 }}{% debug %}",
)


@pytest.fixture(params=NAMES)
def hostile(request, db):
    """A fleet in which everything has this name."""
    name = request.param
    builders.label(builders.a_node(f"n{name}".replace("/", "")), {"site": name, name: "x"})
    grid = builders.observed(builders.a_grid("echo", "site"), [name.replace("/", "")])
    grid.spec["template"]["template"]["metadata"]["labels"][name] = name
    grid.status = {"conditions": [{"type": "Degraded", "status": "True", "reason": name, "message": name}]}
    grid.save()
    builders.a_service("echo", "site")
    builders.a_pod(grid, name.replace("/", ""), f"n{name}".replace("/", ""), reason=name, ready=False)
    GridEvent.objects.create(path=grid.path, unit=name[:63], reason=name, message=say("%(x)s", x=name).to_json())
    AuditEvent.objects.create(actor=name, verb=name[:20], path=name, before={name: name})
    ServiceGroup.objects.create(namespace="default", name="shop", key="site")
    LabelJob.objects.create(
        changes={name: name}, results={name.replace("/", ""): {"before": {}, "state": "failed", "detail": name}}
    )
    builders.news()
    return name


def test_nothing_escapes(admin, hostile):
    for address in (*READABLE, *AUDIT):
        text = admin.get(address.replace("lyo", "x").replace("node0", "x")).content.decode()
        assert "<script>alert" not in text, address
        assert "<img src=x" not in text, address
        assert not re.search(r"\s'?onmouseover='", text), address
        assert "14{" not in text, address


def test_links_carry_the_whole_name(admin, hostile):
    unit = hostile.replace("/", "")
    for address, part in (("/", "/unit/"), ("/group/?key=site", "/unit/")):
        links = re.findall(rf'href="({part}[^"]*)"', admin.get(address).content.decode())
        asked = [parse_qs(urlsplit(unescape(link)).query)["unit"][0] for link in links]
        assert hostile in asked, address
    tiles = re.findall(r'class="tile[^"]*" href="([^"]*)"', admin.get("/matrix/").content.decode())
    assert tiles or unit != hostile
    for link in tiles:
        answer = admin.get(unescape(link))
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()


def test_the_page_of_a_node_and_its_labels(admin, hostile):
    links = re.findall(r'<th scope="row" class="mono"><a href="(/nodes/[^"]*)"', admin.get("/nodes/").content.decode())
    assert links
    for link in links:
        assert admin.get(unescape(link)).status_code == 200
