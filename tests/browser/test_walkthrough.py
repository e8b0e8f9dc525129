"""The walk-through every release must reproduce, in a browser, without reloading a page to see what became of it."""

from pathlib import Path

import pytest

from .conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
DATA = Path(__file__).parent.parent / "data"
GRID = "/grids/deploymentgrids/default/deploymentgrid-demo/"
SERVICE = "/grids/servicegrids/default/servicegrid-demo/"
PATIENCE = 30000


@pytest.fixture(scope="module")
def visit(chromium, walkthrough):
    with visiting(chromium, walkthrough) as visit:
        yield visit


def label(visit, names, value):
    page = visit.open("/nodes/")
    for name in names:
        page.check(f'input[name="node"][value="{name}"]')
    page.click(".bulk button:first-child")
    page.fill("#key", "zone1")
    page.fill("#value", value)
    page.click('button[value="preview"]')
    expect(page.locator("main")).to_contain_text(f"zone1={value}")
    page.click('button[value="confirm"]')
    expect(page.locator("#live .s-done").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#live")).to_contain_text(f"{len(names)} / {len(names)}")


def write(visit, file):
    page = visit.open("/grids/new/?mode=yaml")
    page.evaluate("text => document.querySelector('.editor').env.editor.setValue(text, 1)", (DATA / file).read_text())
    expect(page.locator("#verdict")).to_contain_text("This is valid.")
    page.click('.head button[value="preview"]')
    expect(page.locator("h1")).to_have_text("What this would do")
    return page


def test_1_labels_form_units(visit):
    visit.open("/")
    expect(visit.page.locator("main")).to_contain_text("No NodeGroups yet")
    label(visit, ["node0"], "nodeunit1")
    label(visit, ["node1", "node2"], "nodeunit2")
    page = visit.open("/group/?key=zone1")
    rows = page.locator("#live tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("nodeunit1")
    expect(rows.nth(1)).to_contain_text("2/2")


def test_2_a_grid_runs_in_each_unit_and_pages_follow(visit, chromium, walkthrough):
    with visiting(chromium, walkthrough, state=visit.page.context.storage_state()) as watcher:
        watched = watcher.open("/?group=zone1")
        watched.evaluate("window.notReloaded = true")
        page = write(visit, "deploymentgrid.yaml")
        expect(page.locator(".steps > li")).to_have_count(2)
        page.click('button[value="save"]')
        assert page.url.endswith(GRID)
        page.evaluate("window.notReloaded = true")
        for unit in ("nodeunit1", "nodeunit2"):
            expect(page.locator(f"#unit-{unit} td").nth(1)).to_have_text("2/2", timeout=PATIENCE)
            expect(page.locator(f"#unit-{unit} .s-Ready")).to_be_visible(timeout=PATIENCE)
        expect(watched.locator(".tile.s-Ready")).to_have_count(2, timeout=PATIENCE)
        assert page.evaluate("window.notReloaded")
        assert watched.evaluate("window.notReloaded")
        expect(watched.locator("#live-badge")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize(("unit", "nodes"), [("nodeunit1", {"node0"}), ("nodeunit2", {"node1", "node2"})])
def test_2_pods_stay_in_their_unit(visit, unit, nodes):
    page = visit.open(f"{GRID}units/{unit}/")
    places = page.locator('td a[href^="/nodes/"]').all_inner_texts()
    assert len(places) == 2
    assert set(places) <= nodes


def test_3_a_service_keeps_its_traffic_in_the_unit(visit):
    page = write(visit, "servicegrid.yaml")
    expect(page.locator(".steps > li")).to_have_count(1)
    expect(page.locator(".steps")).to_contain_text("servicegrid-demo-svc")
    page.click('button[value="save"]')
    assert page.url.endswith(SERVICE)
    expect(page.locator("#facts .s-Ready")).to_be_visible(timeout=PATIENCE)
    for node, seen in (("node0", {"node0"}), ("node1", {"node1", "node2"}), ("node2", {"node1", "node2"})):
        row = page.locator("tbody tr").filter(has=page.locator("th", has_text=node))
        assert set(row.locator(".chip b").all_inner_texts()) <= seen
        expect(row.locator(".chip")).to_have_count(2)
    visit.shot("walk-endpoints")


def test_4_the_form_changes_what_runs(visit):
    page = visit.open(GRID + "edit/")
    page.fill("#f-replicas", "3")
    expect(page.locator("#verdict")).to_contain_text("2 steps")
    page.click('.head button[value="preview"]')
    expect(page.locator(".diff .added").first).to_have_text("3")
    page.click('button[value="save"]')
    expect(page.locator("#unit-nodeunit1 td").nth(1)).to_have_text("3/3", timeout=PATIENCE)


def test_5_what_goes_is_shown_and_goes(visit):
    page = visit.open(GRID + "delete/")
    expect(page.locator(".steps > li.v-delete")).to_have_count(2)
    page.click('button[value="confirm"]')
    expect(page.locator("#live")).not_to_contain_text("deploymentgrid-demo", timeout=PATIENCE)
