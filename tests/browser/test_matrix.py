"""The matrix of many NodeUnits in a browser: all can be scrolled to, few are on the page, keys go from cell to cell."""

import json

import pytest

from tests.ops.install import demos

from .conftest import SERVICE, visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
UNITS = 260
ADDRESS = "/matrix/?group=site&sort=name"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A demo with more NodeUnits than are on the page at a time, and a Service in each."""
    grid = SERVICE | {"apiVersion": "superedge.io/v1", "spec": SERVICE["spec"] | {"gridUniqKey": "site"}}
    with demos.running(tmp_path_factory.mktemp("many") / "state", DEMO_WORLD=f"large:{UNITS}x{UNITS}") as demo:
        code, answer, _ = demo.door.ask("POST", "servicegrids", json.dumps(grid).encode())
        assert code == 201, answer
        yield demo


@pytest.fixture(scope="module")
def cookies(chromium, many):
    with visiting(chromium, many) as visit:
        return visit.page.context.storage_state()


@pytest.fixture(params=[1440])
def page(chromium, many, cookies, request):
    with visiting(chromium, many, state=cookies, width=request.param) as visit:
        page = visit.open(ADDRESS)
        expect(page.locator("#live table")).to_have_attribute("aria-rowcount", str(UNITS + 1))
        expect(page.locator(".listed .tile").first).to_be_attached()
        yield page


def row(page, number):
    return page.locator(f".listed > tr[aria-rowindex='{number + 2}']").get_by_role("link", name=f"site-{number:04}")


def scroll(page, to):
    """The matrix to a place, and the page to the matrix."""
    page.evaluate(
        """(to) => {
          const view = document.querySelector("#live .scroll");
          view.scrollIntoView({ block: "end" });
          view.scrollTop = to;
        }""",
        to,
    )


def test_every_row_can_be_scrolled_to_and_few_are_on_the_page(page):
    expect(row(page, 0)).to_be_in_viewport()
    scroll(page, 10_000_000)
    last = row(page, UNITS - 1)
    expect(last).to_be_in_viewport()
    assert page.locator(".listed > tr").count() <= 100
    expect(row(page, 0)).to_have_count(0)
    scroll(page, 0)
    expect(row(page, 0)).to_be_in_viewport()
    assert page.locator(".listed > tr").count() <= 100


def test_what_is_read_stays_where_it_is_while_rows_come_and_go(page):
    page.evaluate("""() => {
      window.seen = document.querySelector(".listed > tr:nth-child(45)");
      document.querySelector("#live .scroll").scrollTop = window.seen.offsetTop - 200;
      window.place = () => Math.round(window.seen.getBoundingClientRect().top);
      window.before = window.place();
    }""")
    expect(page.locator(".listed > tr")).to_have_count(100)
    assert page.evaluate("window.seen.isConnected && window.place() - window.before") == 0


def test_the_address_leads_back_to_the_rows_that_were_seen(page):
    scroll(page, 10_000_000)
    expect(row(page, UNITS - 1)).to_be_in_viewport()
    first = page.evaluate("new URL(location).searchParams.get('from')")
    page.reload()
    expect(row(page, int(first) + 1)).to_be_in_viewport()


def test_other_filters_begin_at_the_top(page):
    scroll(page, 10_000_000)
    expect(row(page, UNITS - 1)).to_be_in_viewport()
    page.fill("[data-search]", "site-01")
    expect(page.locator("#live .scroll")).to_have_attribute("data-total", "100")
    expect(page.locator(".listed > tr[aria-rowindex='2']")).to_contain_text("site-0100")
    assert page.evaluate("document.querySelector('#live .scroll').scrollTop") == 0


def test_arrow_keys_go_from_row_to_row_beyond_those_that_were_there(page):
    expect(page.locator(".listed > tr")).to_have_count(50)
    scroll(page, 0)
    row(page, 0).focus()
    for number in range(1, 70):
        page.keyboard.press("ArrowDown")
        expect(row(page, number)).to_be_focused()
        if number == 40:  # fewer than twelve follow what is seen
            expect(row(page, 69)).to_have_count(1)
    expect(row(page, 69)).to_be_in_viewport()
    page.keyboard.press("ArrowUp")
    expect(row(page, 68)).to_be_focused()


STOPS = "[...document.querySelectorAll('#live .scroll, #live .scroll *')].filter((each) => each.tabIndex >= 0).length"
WITHIN = "document.activeElement.closest('.matrix') !== null"


@pytest.mark.parametrize("page", [1440, 400], indirect=True)
def test_the_matrix_is_one_tab_stop_that_is_come_back_to(page):
    """Also over updates and where other rows are on the page; a key of Tab leads past it, in either direction."""
    assert page.evaluate(STOPS) == 1
    expect(page.locator("table.matrix")).to_have_role("grid")
    row(page, 0).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.evaluate("window.at = document.activeElement")
    assert page.evaluate("window.at.closest('td')?.cellIndex") == 1
    page.evaluate("htmx.trigger('#live', 'refresh')")
    page.wait_for_timeout(700)
    assert page.evaluate("document.activeElement === window.at")
    assert page.evaluate(STOPS) == 1
    page.keyboard.press("Tab")
    assert not page.evaluate(WITHIN)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement === window.at")
    page.keyboard.press("Shift+Tab")
    assert not page.evaluate(WITHIN)
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(row(page, 2)).to_be_focused()
    page.keyboard.press("PageDown")
    expect(row(page, 2)).not_to_be_focused()
    expect(page.locator(":focus")).to_be_in_viewport(ratio=0.9)
    assert page.evaluate(STOPS) == 1


def test_tab_leads_to_the_rows_that_are_seen_after_the_cell_in_use_has_gone(page):
    row(page, 0).focus()
    scroll(page, 10_000_000)
    expect(row(page, UNITS - 1)).to_be_in_viewport()
    expect(row(page, 0)).to_have_count(0)
    assert page.evaluate(STOPS) == 1
    page.keyboard.press("Tab")
    assert page.evaluate(WITHIN)
    expect(page.locator(":focus")).to_be_in_viewport()


def test_the_cell_in_the_place_of_one_that_is_gone_has_the_focus(page):
    row(page, 3).focus()
    page.route("**/matrix/**", lambda route: route.continue_(url=route.request.url + "&search=site-01"))
    page.evaluate("htmx.trigger('#live', 'refresh')")
    expect(row(page, 3)).to_have_count(0)
    expect(page.locator(".listed > tr[aria-rowindex='5'] a").first).to_be_focused()
