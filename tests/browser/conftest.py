"""A real browser before a real demo: pages, scripts, live updates and keys as a person meets them."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import services
from tests.ops.install import demos

PATIENCE = 75_000  # milliseconds; what is expected is waited for so long
OUTPUT = Path(__file__).parent / "output"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Not ours to answer for: a stream that ends because the page is left.
HARMLESS = re.compile(r"ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_NETWORK_CHANGED")
SERVICE = {
    "kind": "ServiceGrid",
    "metadata": {"name": "shop"},
    "spec": {"template": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}},
}
PACKAGE = {
    "apiVersion": "superedge.io/v1",
    "kind": "ServiceGroup",
    "metadata": {"name": "shop", "namespace": "default"},
    "spec": {"gridUniqKey": "site", "grids": [SERVICE]},
}


@dataclass
class Visit:
    """A page in the browser, and what went wrong in it."""

    url: str
    page: object
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> object:
        self.page.goto(self.url + address)
        return self.page

    def shot(self, name: str, **options) -> None:
        OUTPUT.mkdir(exist_ok=True)
        self.page.screenshot(path=OUTPUT / f"{name}.png", **options)


@pytest.fixture(scope="package")
def chromium():
    """Ended with the last test of this folder: Playwright keeps an event loop running in the main thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=services.chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Iterator[demos.Demo]:
    """A demo with several sites and a ServiceGroup that runs."""
    with demos.running(tmp_path_factory.mktemp("sites") / "state", DEMO_WORLD="sites") as demo:
        yield demo


@pytest.fixture(scope="module")
def walkthrough(tmp_path_factory) -> Iterator[demos.Demo]:
    """A demo with three nodes and nothing else."""
    with demos.running(tmp_path_factory.mktemp("walk") / "state", DEMO_WORLD="walkthrough") as demo:
        yield demo


@contextlib.contextmanager
def visiting(
    chromium, demo, *, language="en", theme="light", width=1440, height=900, state=None, user=""
) -> Iterator[Visit]:
    """A page of a logged-in person (the demo's administrator unless told), with this language, theme and width."""
    options = {"viewport": {"width": width, "height": height}, "color_scheme": theme, "storage_state": state}
    context = chromium.new_context(**options)
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    context.add_cookies([{"name": "django_language", "value": language, "url": demo.url}])
    page = context.new_page()
    visit = Visit(demo.url, page)
    page.on("request", lambda asked: _note(visit.outside, asked.url, demo.url))
    page.on("console", lambda said: said.type == "error" and visit.complaints.append(said.text))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    if state is None:
        log_in(visit, demo, user or demo.told("User"))
    try:
        yield visit
    finally:
        context.close()
    assert visit.outside == [], "nothing is asked of anybody else"
    assert [text for text in visit.complaints if not HARMLESS.search(text)] == []


def _note(outside: list[str], url: str, ours: str) -> None:
    if not url.startswith((ours + "/", "data:", "blob:")):
        outside.append(url)


def log_in(visit: Visit, demo, user: str) -> None:
    page = visit.open("/login/")
    page.fill("#id_username", user)
    page.fill("#id_password", demo.told("Password"))
    page.click("form button.main")
    page.wait_for_url(re.compile(r"/$"))


@pytest.fixture(scope="module")
def somebody(chromium, sites):
    """The cookies of somebody logged in to `sites`."""
    with visiting(chromium, sites) as visit:
        return visit.page.context.storage_state()


@pytest.fixture(scope="module")
def addresses(chromium, sites, somebody) -> dict[str, str]:
    """Every page of `sites`."""
    return pages_of(chromium, sites, somebody)


def pages_of(chromium, sites, state) -> dict[str, str]:
    """Every page by name, with names of what the sample world holds."""
    sites.door.ask("POST", "servicegroups", json.dumps(PACKAGE).encode())
    with visiting(chromium, sites, state=state) as visit:
        page = visit.open("/matrix/")
        tile = page.locator(".tile").first.get_attribute("href")
        pod = visit.open(tile).locator('a[href^="/pods/"]').first.get_attribute("href").partition("?")[0]
        pod = "/".join(pod.split("/")[:4]) + "/"
        visit.open("/matrix/")
        unit = page.locator(".unit a").first.get_attribute("href")
        group = "/servicegroups/default/shop/"
        service = visit.open("/grids/?kind=ServiceGrid").locator("#live tbody a").first.get_attribute("href")
        visit.open("/nodes/?search=node0").check('input[name="node"]')
        page.click(".bulk button:first-child")
        page.fill("#key", "zone1")
        page.fill("#value", "a")
        page.click('button[value="preview"]')
        label = page.url.removeprefix(sites.url)
        page.click('button[value="confirm"]')
        page.wait_for_url("**/jobs/*/")
        job = page.url.removeprefix(sites.url)
    grid = tile.partition("units/")[0]
    return {
        "overview": "/",
        "wall": "/?kiosk=1",
        "events": "/events/",
        "search": "/search/?q=node",
        "matrix": "/matrix/",
        "unhealthy": "/matrix/?unhealthy=1",
        "nodes": "/nodes/",
        "nodes-none": "/nodes/?search=nowhere",
        "nodes-wrong": "/nodes/?selector=((",
        "node": "/nodes/node1/",
        "label": label + "?key=zone1&value=a",
        "groups": "/groups/?everything=1",
        "group": "/group/?" + unit.partition("?")[2].partition("&")[0],
        "unit": unit,
        "grids": "/grids/",
        "grid": grid,
        "grid-unit": tile,
        "grid-effective": tile + "effective/",
        "grid-image": grid + "do/image/",
        "grid-restart": tile.replace("units/", "do/restart/?unit=").rstrip("/"),
        "grid-pin": tile.replace("units/", "do/pin/?unit=").rstrip("/"),
        "grid-compared": grid + "revisions/?from=1&to=1",
        "grid-plan": grid + "plan/",
        "grid-events": grid + "events/",
        "grid-revisions": grid + "revisions/",
        "grid-yaml": grid + "yaml/",
        "grid-edit": grid + "edit/",
        "grid-edit-yaml": grid + "edit/?mode=yaml",
        "grid-delete": grid + "delete/",
        "grid-recreate": tile + "recreate/",
        "endpoints": service,
        "new": "/grids/new/",
        "new-group": "/grids/new/?kind=ServiceGroup",
        "servicegroups": "/servicegroups/",
        "servicegroup": group,
        "servicegroup-delete": group + "delete/",
        "jobs": "/jobs/",
        "job": job,
        "audit": "/audit/",
        "profile": "/profile/",
        "password": "/profile/password/",
        "second-factor": "/profile/second-factor/",
        "pod": pod,
        "pod-log": pod + "log/",
        "pod-events": pod + "events/",
        "pod-terminal": pod + "terminal/",
        "cluster": "/cluster/",
        "activity": "/activity/",
        "decisions": "/decisions/",
        "approvals": "/approvals/",
        "saved": "/saved/",
        "notifications": "/notifications/",
        "service-tokens": "/service-tokens/",
        "assign": "/labels/assign/",
        "import": "/import/",
        "grid-rollout": grid + "rollout/",
        "servicegroup-edit": group + "edit/",
        "servicegroup-revisions": group + "revisions/",
        "lost": "/nope/",
    }
