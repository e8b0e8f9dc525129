"""The main job in the browser alone, and every page in both themes, both languages, wide and narrow."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.ops.walk import EXAMPLES

from .conftest import TAGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

GRID = "/grids/deploymentgrids/default/shop-frontend/"
SERVICE = "/grids/servicegrids/default/shop-frontend/"
PAGES = {
    "overview": "/",
    "nodes": "/nodes/",
    "node": "/nodes/shanghai-01-node-1/",
    "groups": "/groups/",
    "group": "/group/?key=site",
    "unit": "/unit/?key=site&unit=wuhan-01",
    "grids": "/grids/",
    "grid": GRID,
    "grid-unit": GRID + "units/wuhan-01/",
    "plan": GRID + "plan/",
    "events": GRID + "events/",
    "revisions": GRID + "revisions/",
    "yaml": GRID + "yaml/",
    "edit": GRID + "edit/",
    "delete": GRID + "delete/",
    "endpoints": SERVICE + "endpoints/",
    "new": "/grids/new/",
    "new-yaml": "/grids/new/?mode=yaml",
    "servicegroups": "/servicegroups/",
    "jobs": "/jobs/",
    "audit": "/audit/",
    "profile": "/profile/",
}


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
    page.wait_for_url("**/grids/**/")
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

    ada.visit("/?group=zone1")
    matrix = page.inner_text("main table")
    assert "nodeunit1" in matrix
    assert matrix.count("2/2") >= 2
    ada.shoot("walk-4-overview")

    for path in ("servicegrids/default/servicegrid-demo", "deploymentgrids/default/deploymentgrid-demo"):
        ada.visit(f"/grids/{path}/delete/")
        page.click("main form button:has-text('Delete')")
        page.wait_for_load_state()
    ada.until(lambda: ada.demo.door.gone("deploymentgrids/default/deploymentgrid-demo"), "the grid is gone")


def relabel(visitor, value):
    body = json.dumps({"metadata": {"labels": {"set-elsewhere": value}}}).encode()
    assert visitor.demo.door.ask("PATCH", "nodes/node2", body)[0] == 200


def test_a_label_set_elsewhere_shows_without_a_reload(visitor):
    ada = visitor()
    ada.visit("/nodes/?search=node2")
    ada.page.wait_for_selector("text=Live")
    relabel(ada, "yes")
    ada.page.wait_for_selector("text=set-elsewhere")
    relabel(ada, None)
    ada.page.wait_for_selector("text=set-elsewhere", state="detached")


def violations(page):
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]


@pytest.mark.parametrize(
    ("theme", "locale", "width"),
    [("light", "en", 1440), ("dark", "zh-CN", 1440), ("dark", "en", 400), ("light", "zh-CN", 400)],
)
def test_every_page_is_accessible_and_fits(visitor, theme, locale, width):
    ada = visitor(color_scheme=theme, locale=locale, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    wrong = {}
    for name, path in PAGES.items():
        ada.visit(path)
        if found := violations(ada.page):
            wrong[name] = found
        if ada.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            wrong[name] = [*wrong.get(name, []), "scrolls sideways"]
        ada.shoot(f"{name}-{theme}-{locale}-{width}")
    assert wrong == {}, json.dumps(wrong, indent=1)


def test_the_log_in_page_and_the_error_pages_are_accessible(browser, demo):
    for theme in ("light", "dark"):
        context = browser.new_context(base_url=demo.url, color_scheme=theme)
        page = context.new_page()
        page.goto("/login/")
        assert violations(page) == []
        context.close()


def test_a_missing_page_says_so_in_the_portals_own_words(visitor):
    ada = visitor()
    assert ada.page.goto("/grids/deploymentgrids/default/nowhere/").status == 404
    assert violations(ada.page) == []
    assert ada.page.locator("main h1").count() == 1


def test_keys_reach_everything(visitor):
    ada = visitor()
    page = ada.page
    ada.visit("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("href").startswith("#"), "the first stop skips to the content"
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/nodes/")
    page.wait_for_load_state()
    page.keyboard.press("/")
    assert page.locator(":focus").get_attribute("name") == "search"
    ada.visit("/grids/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")


def test_reading_works_without_javascript(visitor):
    ada = visitor(java_script_enabled=False)
    for name in ("overview", "nodes", "groups", "grids", "grid", "endpoints", "events"):
        ada.visit(PAGES[name])
        assert ada.page.locator("main table").count() >= 1, name


def test_a_viewer_sees_and_is_offered_nothing_to_change(visitor):
    bo = visitor(user="viewer")
    bo.visit(GRID)
    assert bo.page.locator("a:has-text('Edit'), a:has-text('Delete')").count() == 0
    assert bo.page.goto(GRID + "delete/").status == 403
    assert bo.page.goto("/audit/").status == 403
