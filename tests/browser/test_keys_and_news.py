"""Keys, filters, selections, and the one stream of news per browser."""

import json
import re

import pytest

from tests.services import wait_for

from .conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def visit(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        yield visit


def focused(page):
    return page.evaluate("document.activeElement.outerHTML.slice(0, 200)")


def test_the_first_tab_skips_to_the_content(visit):
    page = visit.open("/")
    page.keyboard.press("Tab")
    assert 'class="skip"' in focused(page)
    page.keyboard.press("Enter")
    assert 'id="main"' in focused(page)


def test_focus_can_be_seen(visit):
    page = visit.open("/grids/")
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", focused(page)


@pytest.mark.parametrize(
    ("keys", "place"), [("go", "/"), ("gm", "/matrix/"), ("gn", "/nodes/"), ("gu", "/groups/"), ("gg", "/grids/")]
)
def test_two_keys_go_places(visit, keys, place):
    page = visit.open("/jobs/")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(visit.url + place)


def test_a_key_searches_and_typing_does_not_go_places(visit):
    page = visit.open("/nodes/")
    page.keyboard.press("/")
    page.keyboard.type("gn?node0")
    assert page.input_value("[data-search]") == "gn?node0"


def test_help_opens_and_closes_by_key(visit):
    page = visit.open("/")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()


def test_everything_is_found_from_the_keyboard(visit):
    page = visit.open("/jobs/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette input")).to_be_focused()
    page.keyboard.type("node1")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("node1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/nodes/node1/")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()


def test_the_heat_map_is_one_tab_stop_with_a_card_and_keeps_the_focus(visit):
    page = visit.open("/")
    columns = page.locator(".heat .cells > a")
    expect(page.locator(".heat .cells > a[tabindex='0']")).to_have_count(1)
    columns.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    second = columns.nth(1)
    expect(second).to_be_focused()
    expect(second).to_have_attribute("href", re.compile("/units/|search="))
    expect(page.locator("#heat-card h3 a")).to_have_text(second.get_attribute("aria-label").partition(",")[0])
    page.evaluate("document.getElementById('live').dataset.old = '1'; htmx.trigger('#live', 'refresh')")
    page.wait_for_selector("#live:not([data-old])")
    expect(columns.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#heat-card")).not_to_be_visible()
    columns.nth(1).press("Enter")
    page.wait_for_url(re.compile("/grids/"))


def test_the_menu_opens_by_key_and_gives_focus_back(visit):
    page = visit.open("/")
    page.focus("#menu summary")
    page.keyboard.press("Enter")
    expect(page.locator("#menu button").first).to_be_visible()
    page.keyboard.press("Escape")
    assert "summary" in focused(page)


def test_the_editor_can_be_left_by_key(visit):
    page = visit.open("/grids/new/?mode=yaml")
    page.click(".ace_content")
    expect(page.locator(".ace_text-input")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".ace_text-input")).not_to_be_focused()


def test_the_editor_marks_the_line_of_a_problem(visit):
    page = visit.open("/grids/new/?mode=yaml")
    page.evaluate("document.querySelector('.editor').env.editor.setValue('kind: Pod', 1)")
    expect(page.locator("#verdict .note.error")).to_be_visible()
    expect(page.locator(".ace_gutter-cell.ace_error")).to_have_count(1)


def test_form_and_yaml_follow_one_another_and_leave_who_types_alone(visit):
    page = visit.open("/grids/new/")
    yaml = page.locator("#document")
    page.fill("#f-image", "registry.example/shop:2")
    page.locator("#f-name").press_sequentially("shop")
    expect(yaml).to_have_value(re.compile(r"name: shop\n(.*\n)*.*image: registry.example/shop:2"))
    expect(page.locator("#f-name")).to_be_focused()
    page.click(".editor .ace_content")
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine\n")
    editor = "document.querySelector('.editor').env.editor"
    page.evaluate(f"{editor}.find('replicas: 1', {{ start: {{ row: 0, column: 0 }} }})")
    page.evaluate(f"{editor}.insert('replicas: 4\\n    paused: true')")
    expect(page.locator("#f-replicas")).to_have_value("4")
    expect(page.locator("#unsaid li")).to_have_text("/spec/template/paused")
    expect(page.locator(".editor .ace_text-input")).to_be_focused()
    page.fill("#f-replicas", "5")
    expect(yaml).to_have_value(re.compile(r"replicas: 5\n    paused: true\n(.*\n)*.*# mine"))
    page.fill("#f-ports", "http")
    expect(page.locator("#verdict .note.error")).to_contain_text("http")
    expect(page.locator("#f-ports")).to_have_value("http")


def test_filters_narrow_the_list_and_the_address(visit):
    page = visit.open("/nodes/")
    page.evaluate("window.notReloaded = true")
    page.fill("[data-search]", "node1")
    expect(page.locator("#live tbody tr")).to_have_count(1)
    assert page.url.endswith("/nodes/?search=node1")
    expect(page.locator("#count")).to_have_text("1 node")
    page.go_back()
    expect(page.locator("#live tbody tr")).not_to_have_count(1)


def test_a_selection_survives_a_refresh_of_the_list(visit):
    page = visit.open("/nodes/")
    page.check('input[value="node1"]')
    page.evaluate("htmx.trigger('#live', 'refresh')")
    page.wait_for_timeout(700)
    assert page.is_checked('input[value="node1"]')
    expect(page.locator("[data-chosen]")).to_have_text(" (1)")


def test_open_details_survive_a_refresh(visit):
    page = visit.open("/nodes/node1/")
    page.click("#system-labels summary")
    page.evaluate("htmx.trigger('#live', 'refresh')")
    page.wait_for_timeout(700)
    expect(page.locator("#system-labels")).to_have_attribute("open", "")


def test_news_between_reading_a_page_and_listening_is_not_lost(visit):
    page = visit.open("/")
    page.add_init_script("localStorage.removeItem('sgportal-seen-2')")  # as the page loads: until then the tab listens
    with page.expect_request("**/api/v1/events?*") as asked:
        visit.open("/nodes/")
    assert asked.value.url.endswith("?lastEventId=" + page.evaluate("document.body.dataset.revision"))


def test_news_told_to_the_other_tabs_while_a_page_was_on_its_way_is_asked_for(visit):
    page = visit.open("/")
    # As the page loads: until then the tab listens, and notes what it hears.
    later = "localStorage.setItem('sgportal-seen-2', Number.MAX_SAFE_INTEGER)"
    elsewhere = "localStorage.setItem('sgportal-lease-2', JSON.stringify({id: 'another', at: Date.now()}))"
    page.add_init_script(f"{later}; {elsewhere}")
    with page.expect_request(lambda asked: asked.headers.get("hx-target") == "live"):
        visit.open("/nodes/")


def test_a_label_set_elsewhere_shows_without_a_reload(visit, sites):
    def relabel(value):
        body = json.dumps({"metadata": {"labels": {"set-elsewhere": value}}}).encode()
        assert sites.door.ask("PATCH", "nodes/node2", body)[0] == 200

    page = visit.open("/nodes/?search=node2")
    page.evaluate("window.notReloaded = true")
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")
    relabel("yes")
    expect(page.locator("#live")).to_contain_text("set-elsewhere")
    relabel(None)
    expect(page.locator("#live")).not_to_contain_text("set-elsewhere")
    assert page.evaluate("window.notReloaded")


def test_many_tabs_share_one_stream(visit):
    """Browsers allow six connections per server; a stream per tab would make the seventh tab hang."""
    context, streams = visit.page.context, []
    context.on("request", lambda asked: "/api/v1/events" in asked.url and streams.append(asked))
    pages = [context.new_page() for _ in range(8)]
    for page in pages:
        page.goto(visit.url + "/grids/")
    for page in pages:
        expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")
    assert len(streams) <= 2
    leader = pages[0]
    leader.close()
    for page in pages[1:]:
        page.evaluate("htmx.trigger('#live', 'refresh')")
    expect(pages[-1].locator("#live-badge")).to_have_attribute("data-state", "live")


def test_what_is_heard_at_once_is_told_to_the_other_tabs_at_once(visit):
    """At fifty changes a second, a message and a note for each took the tab that listens more than its own updates."""
    page = visit.open("/jobs/")
    page.add_init_script("""
      const read = Number(localStorage.getItem("sgportal-seen-2"));
      localStorage.setItem("sgportal-seen-2", Math.max(read - 50, 0));
      window.told = [];
      new BroadcastChannel("sgportal-2").onmessage = ({ data }) => window.told.push(data.filter((each) => each.kind));
    """)
    visit.open("/nodes/")
    wait_for(lambda: page.evaluate("window.told.some((news) => news.length > 1)"), 75, "news are told together")
    noted = "Number(localStorage.getItem('sgportal-seen-2')) >= Number(document.body.dataset.revision)"
    wait_for(lambda: page.evaluate(noted), 75, "what was told is noted as heard")


def test_a_lost_stream_is_said_and_taken_up_again(visit):
    page = visit.open("/")
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")
    page.context.set_offline(True)
    page.context.route("**/api/v1/events*", lambda route: route.abort())
    page.evaluate(
        "dispatchEvent(new Event('pagehide')); dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    )
    expect(page.locator("#live-badge")).not_to_have_attribute("data-state", "live")
    page.context.unroute("**/api/v1/events*")
    page.context.set_offline(False)
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")
    visit.complaints.clear()


@pytest.mark.parametrize("fault", ["lost", "error"])
def test_a_fragment_that_did_not_arrive_is_asked_for_again(visit, fault):
    page = visit.open("/")
    asked = []

    def answer(route):
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        elif fault == "lost":
            route.abort("connectionreset")
        else:
            route.fulfill(status=502, body="bad gateway")

    page.route("**/cluster/banner/", answer)
    with page.expect_response(lambda response: "/cluster/banner/" in response.url and response.ok):
        page.evaluate("htmx.trigger('#management-mode', 'refresh')")
    assert len(asked) == 2
    visit.complaints.clear()


def test_news_wait_for_somebody_who_is_choosing_and_come_when_they_have_done(visit):
    page = visit.open("/")
    page.evaluate("document.getElementById('management-mode').append(document.createElement('input'))")
    page.focus("#management-mode input")
    page.evaluate("new BroadcastChannel('sgportal-2').postMessage([{kind: 'cluster'}])")
    page.wait_for_timeout(1000)
    assert page.locator("#management-mode input").count() == 1
    page.evaluate("document.activeElement.blur()")
    page.wait_for_selector("#management-mode input", state="detached")
