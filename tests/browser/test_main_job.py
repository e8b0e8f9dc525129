"""The main job in the browser alone: label, grid, service, endpoints, overview, gone."""

import re
from pathlib import Path

import pytest

from tests.ops.access.walk import EXAMPLES
from tests.ops.install import demos

from .conftest import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
OUTPUT = Path(__file__).parent / "output"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with demos.running(tmp_path_factory.mktemp("main-job") / "state", DEMO_WORLD="sites") as started:
        yield started


class Visitor:
    """Somebody at a browser. Requests to anywhere but the portal are noted in `strays`."""

    def __init__(self, browser, demo, user="admin", **context):
        self.demo, self.strays, self.errors = demo, [], []
        self.context = browser.new_context(base_url=demo.url, **{"viewport": {"width": 1440, "height": 900}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
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
        OUTPUT.mkdir(exist_ok=True)
        self.page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)

    def close(self):
        self.context.close()
        assert self.strays == []
        assert self.errors == []


@pytest.fixture
def visitor(chromium, demo):
    made = []

    def arrive(**options):
        made.append(Visitor(chromium, demo, **options))
        return made[-1]

    yield arrive
    for each in made:
        each.close()


def label(visitor, nodes, key, value):
    """Label nodes as a person does: choose, see the impact, agree, watch the job."""
    page = visitor.page
    visitor.visit("/nodes/?search=node")
    for node in nodes:
        page.check(f"input[name=node][value='{node}']")
    page.click("button:has-text('Change labels')")
    page.fill("[name=key]", key)
    page.fill("[name=value]", value)
    page.click("button[value=preview]")
    page.wait_for_selector("button[value=confirm]")
    impact = page.inner_text("main")
    page.click("button[value=confirm]")
    page.wait_for_url("**/jobs/*/")
    return impact


def create(visitor, manifest):
    page = visitor.page
    visitor.visit("/grids/new/?mode=yaml")
    page.wait_for_selector(".ace_content")
    page.click(".ace_content")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(manifest)
    page.click("button.main[value=preview]")
    page.wait_for_selector("button[value=save]")
    plan = page.inner_text("main")
    page.click("button[value=save]")
    page.wait_for_url(re.compile("/grids/.+/.+/.+/"))
    return plan


def test_the_walk_through_in_the_browser_alone(visitor):
    ada = visitor()
    page = ada.page
    impact = label(ada, ["node0"], "zone1", "nodeunit1")
    assert "zone1=nodeunit1" in impact
    label(ada, ["node1", "node2"], "zone1", "nodeunit2")
    ada.shoot("walk-1-job")
    ada.until(lambda: page.locator("main", has_text="node2").count(), "the job names its nodes")

    ada.visit("/group/?key=zone1")
    ada.until(lambda: {"nodeunit1", "nodeunit2"} <= set(page.inner_text("main").split()), "both units are there")

    plan = create(ada, (EXAMPLES / "deploymentgrid.yaml").read_text())
    assert "deploymentgrid-demo-nodeunit1" in plan
    assert "deploymentgrid-demo-nodeunit2" in plan
    # Live: nobody reloads this page.
    ada.until(lambda: page.inner_text("main table").count("2/2") == 2, "both units are ready, without a reload")
    ada.shoot("walk-2-grid")

    create(ada, (EXAMPLES / "servicegrid.yaml").read_text())
    ada.visit("/grids/servicegrids/default/servicegrid-demo/endpoints/")

    def endpoints():
        rows = page.locator("tbody tr").all_inner_texts()
        return {row.split()[0]: set(re.findall(r"@ (node\d)", row)) for row in rows if row.startswith("node")}

    def complete():
        seen = endpoints()
        return seen if all(seen.get(f"node{number}") for number in range(3)) else None

    found = ada.until(complete, "every node has endpoints")
    assert found["node0"] == {"node0"}
    assert found["node1"] == found["node2"]
    assert found["node1"] <= {"node1", "node2"}
    ada.shoot("walk-3-endpoints")

    ada.visit("/matrix/?group=zone1")
    matrix = page.inner_text("main table")
    assert "nodeunit1" in matrix
    assert matrix.count("2/2") >= 2
    ada.shoot("walk-4-overview")

    for path in ("servicegrids/default/servicegrid-demo", "deploymentgrids/default/deploymentgrid-demo"):
        ada.visit(f"/grids/{path}/delete/")
        page.click("main form button:has-text('Delete')")
        page.wait_for_load_state()
    ada.until(lambda: ada.demo.door.gone("deploymentgrids/default/deploymentgrid-demo"), "the grid is gone")
