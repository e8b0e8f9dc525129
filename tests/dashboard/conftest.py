"""People at the door of the pages, and a small fleet behind it."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from sgportal.core.text import say
from sgportal.dashboard.page import unchanged
from sgportal.models import GridEvent, ServiceGroup
from sgportal.reconciler.queue import unit_history

from .. import builders
from ..api.builders import child


@pytest.fixture(autouse=True)
def english():
    """Requests leave their language behind in the thread; each test begins and ends in English."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def parts_are_new(monkeypatch):
    """A test does not wait between what it changes and what it reads."""
    monkeypatch.setattr(unchanged, "PART_SECONDS", 0.0)


def browser(role: str, **cookies: str) -> Client:
    """A browser in which somebody of this role has logged in."""
    client = Client(headers={"host": "localhost"})
    client.force_login(builders.a_person(f"some-{role or 'stranger'}", role))
    client.cookies.load(cookies)
    return client


def hidden(answer) -> dict[str, str]:
    """The hidden fields of a page's own form."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode())
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def agree(client: Client, address: str, asked: dict[str, str] | None = None, **how):
    """Look what a page would do, then send its form with the plan that was shown."""
    shown = client.get(address, asked or {})
    assert shown.status_code == 200, shown.status_code
    return client.post(address, {**(asked or {}), **hidden(shown)}, **how)


@pytest.fixture
def viewer(db):
    return browser("viewer")


@pytest.fixture
def operator(db):
    return browser("operator")


@pytest.fixture
def admin(db):
    return browser("admin")


@pytest.fixture
def fleet(db):
    """Two sites and a node in none, with a workload and a service; the second site has trouble. The workload's grid."""
    for number, site in enumerate(("ham", "ham", "lyo")):
        builders.a_node(f"node{number}", site=site)
    builders.a_node("node3", ready="Unknown")
    group = ServiceGroup.objects.create(namespace="default", name="shop", key="site")
    grid = builders.observed(builders.a_grid("echo", "site", group=group), {"ham": "Ready", "lyo": "Degraded"})
    builders.a_service("echo", "site")
    child(grid, "lyo")
    builders.a_pod(grid, "ham", "node0", 0)
    builders.a_pod(grid, "ham", "node1", 1)
    builders.a_pod(grid, "lyo", "node2", 0, ready=False, reason="CrashLoopBackOff")
    GridEvent.objects.create(path=grid.path, unit="lyo", reason="Created", message=say("all pods are ready").to_json())
    builders.news()
    unit_history.note_all()
    return grid
