"""A real browser before a real demo: pages, scripts, live updates and keys as a person meets them."""

import contextlib
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
