"""A real browser on a real demo: one process of each for all tests of a module."""

import shutil
from pathlib import Path

import pytest

from tests.ops import demos
from tests.services import chromium

OUTPUT = Path(__file__).parent / "output"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with demos.running(tmp_path_factory.mktemp("browser") / "state", DEMO_WORLD="sites") as started:
        yield started


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


class Visitor:
    """Somebody at a browser. Requests to anywhere but the portal are noted in `strays`."""

    def __init__(self, browser, demo, user="admin", **context):
        self.demo, self.strays, self.errors = demo, [], []
        self.context = browser.new_context(base_url=demo.url, **{"viewport": {"width": 1440, "height": 900}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto("/login/")
        self.page.fill("[name=username]", user)
        self.page.fill("[name=password]", demo.told("Password"))
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_selector("main h1")

    def _note(self, request):
        if not request.url.startswith((self.demo.url, "data:", "blob:")):
            self.strays.append(request.url)

    def visit(self, path):
        answer = self.page.goto(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        self.page.wait_for_selector("main h1")

    def until(self, check, what, seconds=20):
        """The first true answer of `check`, while the page goes on living; nothing is evaluated in the page."""
        for _ in range(seconds * 10):
            if found := check():
                return found
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{what}: not within {seconds} s; the page says: {self.page.inner_text('main')[:800]}")

    def shoot(self, name):
        self.page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)

    def close(self):
        self.context.close()
        assert self.strays == []
        assert self.errors == []


@pytest.fixture
def visitor(browser, demo):
    made = []

    def arrive(**options):
        made.append(Visitor(browser, demo, **options))
        return made[-1]

    yield arrive
    for each in made:
        each.close()
