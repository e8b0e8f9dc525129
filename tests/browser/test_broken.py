"""What breaks under a page: nothing that was typed is lost or sent twice, and what is old says so. A wall screen turns
its pages and stays where the next one does not answer."""

import json
import re

import pytest

from faults.wire import Wire

from .conftest import PATIENCE, log_in, visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
EXPECTED = re.compile(
    "Failed to load resource|Response Status Error Code|htmx:"
)  # what a browser and htmx say of errors
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def visit(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        yield visit
        visit.complaints[:] = [each for each in visit.complaints if not EXPECTED.search(each)]


def type_name(page, name):
    """Type a name into the form; the side with the YAML has followed."""
    page.fill("[name=f-name]", name)
    expect(page.locator("[name=document]")).to_have_value(re.compile(rf"name: {name}\n"))


def preview(page):
    page.locator("#draft .head button.main").click()


@pytest.mark.parametrize("cookie", ["sessionid", "csrftoken"])
def test_what_was_typed_is_there_again_after_a_log_in_and_a_stale_form(visit, sites, cookie):
    page = visit.open("/grids/new/")
    type_name(page, "half-typed")
    page.context.clear_cookies(name=cookie)
    preview(page)
    if cookie == "sessionid":
        expect(page).to_have_url(re.compile("/login/.next=/grids/new/"))
        page.fill("#id_username", sites.told("User"))
        page.fill("#id_password", sites.told("Password"))
        page.click("form button.main")
    else:
        page.locator("[data-again] a").click()
    expect(page.locator("#unsent")).to_be_visible()
    expect(page.locator("[name=f-name]")).to_have_value("half-typed")
    expect(page.locator("[name=document]")).to_have_value(re.compile("name: half-typed\n"))
    page.reload()
    expect(page.locator("#unsent")).to_be_hidden()  # once


def test_what_is_typed_before_the_scripts_are_there_is_in_the_yaml_as_well(visit):
    """On a slow connection the form is there seconds before they are; nothing listens to what is typed then."""
    page = visit.open("/")

    def late(route):
        page.wait_for_timeout(1500)
        route.continue_()

    page.route(re.compile(r"/editor(\.[0-9a-f]+)?\.js"), late)
    page.goto(page.url + "grids/new/", wait_until="commit")
    page.fill("[name=f-name]", "early")
    assert page.evaluate("document.readyState") != "complete"
    expect(page.locator("[name=document]")).to_have_value(re.compile("name: early\n"), timeout=15_000)


def test_what_was_typed_is_there_again_after_the_session_ended_under_it(visit, sites):
    page = visit.open("/grids/new/")
    type_name(page, "half-typed")
    page.context.clear_cookies(name="sessionid")
    expect(page).to_have_url(re.compile("/login/.next=/grids/new/"))  # by itself: nothing was sent
    page.fill("#id_username", sites.told("User"))
    page.fill("#id_password", sites.told("Password"))
    page.click("form button.main")
    expect(page.locator("#unsent")).to_be_visible()
    expect(page.locator("[name=f-name]")).to_have_value("half-typed")
    expect(page.locator("#unsure")).to_be_hidden()


@pytest.mark.parametrize("way", ["back", "elsewhere"])
def test_what_somebody_else_answered_in_the_place_of_the_portal_is_there_again(visit, way):
    page = visit.open("/grids/new/")
    type_name(page, "half-typed")
    html = {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"}
    page.route("**/grids/new/", lambda route: route.fulfill(**html))
    preview(page)
    expect(page.get_by_role("heading", name="Bad Gateway")).to_be_visible()
    page.unroute("**/grids/new/")
    if way == "back":
        page.go_back()
    else:
        visit.open("/nodes/")
        visit.open("/grids/new/")
    expect(page.locator("#unsure")).to_be_visible()
    expect(page.locator("[name=f-name]")).to_have_value("half-typed")
    expect(page.locator("[name=document]")).to_have_value(re.compile("name: half-typed\n"))
    preview(page)
    expect(page.locator("body[data-answer]")).to_have_count(1)
    assert page.evaluate("sessionStorage.getItem('sgportal-unsent')") is None, "this one was answered"


def test_a_further_container_that_was_typed_is_there_again_in_the_form(visit, sites):
    page = visit.open("/grids/new/")
    type_name(page, "with-a-side")
    page.locator("[value^='container-add:']").click()
    name, image = (page.locator(f"[name$='{each}']").last for each in ("c1-container", "c1-image"))
    name.fill("side")
    image.fill("registry.example/side:1")
    page.context.clear_cookies(name="csrftoken")
    preview(page)
    page.locator("[data-again] a").click()
    expect(page.locator("#unsent")).to_be_visible()
    expect(name).to_be_visible()
    expect(name).to_have_value("side")
    expect(image).to_have_value("registry.example/side:1")
    expect(page.locator("[name=document]")).to_have_value(
        re.compile("name: with-a-side\n(.*\n)+.*registry.example/side:1")
    )


def test_what_one_person_typed_is_not_shown_to_another(visit, sites):
    page = visit.open("/grids/new/")
    type_name(page, "not-for-you")
    page.context.clear_cookies(name="sessionid")
    preview(page)
    expect(page).to_have_url(re.compile("/login/"))
    log_in(visit, sites, "operator")
    visit.open("/grids/new/")
    expect(page.locator("#draft")).to_be_visible()
    expect(page.locator("[name=f-name]")).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('sgportal-unsent')") is None


def test_a_form_is_sent_once_however_often_it_is_clicked(visit):
    page = visit.open("/grids/new/")
    type_name(page, "twice")
    page.evaluate("""
        window.sent = [];
        addEventListener("submit", (event) => { sent.push(!event.defaultPrevented); event.preventDefault(); });
    """)
    for _ in range(3):
        preview(page)
    assert page.evaluate("sent") == [True, False, False]
    expect(page.locator("#sending")).not_to_be_empty()
    expect(page.locator("#draft")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#sending")).to_contain_text("has not answered yet")


def test_a_browser_that_tells_nothing_of_its_navigation_is_served_as_any_other(visit):
    page = visit.page
    page.add_init_script("performance.getEntriesByType = () => [];")
    visit.open("/grids/new/")
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")
    type_name(page, "half-typed")
    page.context.clear_cookies(name="csrftoken")
    preview(page)
    page.locator("[data-again] a").click()
    expect(page.locator("#unsent")).to_contain_text(re.compile(r"what you typed \d+s ago"))
    expect(page.locator("[name=f-name]")).to_have_value("half-typed")
    assert visit.complaints == [each for each in visit.complaints if EXPECTED.search(each)]


MUTE = """
  const real = window.fetch;
  let first = true;
  window.fetch = async (address, how) => {
    const answer = await real(address, how);
    if (!first || !String(address).includes("follow=true")) return answer;
    first = false;
    const begun = await answer.body.getReader().read();
    return new Response(new ReadableStream({ start(stream) {
      stream.enqueue(begun.value);
      how.signal.addEventListener("abort", () => stream.error(new DOMException("", "AbortError")));
    } }));
  };
"""


def test_a_log_whose_connection_died_in_silence_is_followed_anew(visit):
    page = visit.page
    page.add_init_script(MUTE)
    visit.open("/grids/deploymentgrids/default/shop-frontend/units/beijing-01/")
    page.get_by_role("link", name=re.compile("^Logs of")).first.click()
    page.get_by_role("button", name="Follow").click()
    told = page.locator("[data-log-status]")
    expect(told).to_have_text("Following")
    expect(told).to_contain_text("The connection was lost")
    expect(told).to_have_text("Following")
    lines = page.locator("#log > span")
    before = lines.count()
    expect(lines.nth(before)).to_be_visible()


def test_a_part_that_is_not_answered_says_how_old_it_is_until_it_is(visit):
    page = visit.open("/nodes/")
    old = page.locator("#live").locator("xpath=preceding-sibling::*[1][@data-unanswered]")
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")
    for broken in (
        lambda route: route.fulfill(status=500, content_type="text/html", body="<h1>no</h1>"),
        lambda route: route.abort(),
        lambda route: None,  # nothing for a long time
    ):
        page.route("**/nodes/", broken)
        page.evaluate("htmx.trigger('#live', 'refresh')")
        expect(old).to_be_visible()
        expect(old.locator("time")).to_have_text(re.compile(r"\ds ago"))
        expect(page.locator("#live tbody tr").first).to_be_visible()
        page.unroute("**/nodes/")
        page.evaluate("htmx.trigger('#live', 'htmx:abort')")
        page.evaluate("htmx.trigger('#live', 'refresh')")
        expect(old).to_have_count(0)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_browser_whose_clock_is_wrong_says_how_old_the_news_is(visit, hours):
    page = visit.page
    page.add_init_script(f"const now = Date.now; Date.now = () => now() + {hours} * 3600000;")
    visit.open("/activity/")
    page.evaluate(
        """(hours) => {
      const time = document.createElement("time"), since = new Date(Date.now() - hours * 3600000 - 600000);
      time.id = "since";
      time.dataset.age = "";
      time.dateTime = since.toISOString();
      document.body.append(time);
    }""",
        hours,
    )
    expect(page.locator("#since")).to_have_text(re.compile(r"1\dm ago"))


def test_a_stream_that_is_held_back_is_asked_for_again_and_the_page_says_that_it_asks(visit, sites):
    page = visit.page
    page.route("**/api/v1/events*", lambda route: None)  # as a proxy that collects all of an answer first
    with page.expect_request("**/api/v1/events*"):
        visit.open("/nodes/")
    badge = page.locator("#live-badge")
    expect(badge).to_have_attribute("data-state", "stale")
    expect(badge).to_contain_text("Polling every 15s")
    expect(page.locator("#connection")).to_be_hidden()
    page.unroute("**/api/v1/events*")
    expect(badge).to_have_attribute("data-state", "live")


def test_a_stream_that_died_in_silence_is_begun_anew(chromium, sites, somebody):
    wire = Wire(int(sites.url.rpartition(":")[2]))
    context = chromium.new_context(storage_state=somebody)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{wire.port}/nodes/")
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live", timeout=PATIENCE)
    # Whatever is open says nothing any more, and nobody closes it; what is opened from now on is passed on.
    wire.forget()
    for label in ("first", "second"):  # the first is seen by asking for all, as after any silence
        body = json.dumps({"metadata": {"labels": {label: "yes"}}}).encode()
        assert sites.door.ask("PATCH", "nodes/node1", body)[0] == 200
        expect(page.locator("#live")).to_contain_text(label, timeout=PATIENCE)
    context.close()
    wire.close()


def shown(visit, address):
    """The wall shows this page, its script hears keys, and no page is being turned."""
    page = visit.page
    expect(page).to_have_url(visit.url + address)
    expect(page.locator("#wall:not([data-turning])")).to_have_count(1)
    expect(page.locator("[data-clock]")).to_have_text(re.compile(r"^\d\d:\d\d$"))


def test_a_wall_turns_its_pages_and_stays_where_the_next_does_not_answer(visit):
    page = visit.open("/?kiosk=1&turn=0")
    shown(visit, "/?kiosk=1&turn=0")
    page.keyboard.press("ArrowRight")
    shown(visit, "/matrix/?kiosk=1&turn=0")
    page.keyboard.press("ArrowLeft")
    shown(visit, "/?kiosk=1&turn=0")
    page.route("**/matrix/**", lambda route: route.fulfill(status=503))
    with page.expect_response(re.compile("/matrix/")):
        page.keyboard.press("ArrowRight")
    shown(visit, "/?kiosk=1&turn=0")
    page.unroute("**/matrix/**")
    page.route("**/matrix/**", lambda route: route.fulfill(status=403))
    page.keyboard.press("ArrowRight")
    shown(visit, "/grids/?kiosk=1&turn=0")  # what may not be read is passed over
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{visit.url}/grids/")
    page.wait_for_load_state()


def test_a_wall_turns_by_itself(visit):
    page = visit.open("/jobs/?kiosk=1&turn=1")
    page.wait_for_url(f"{visit.url}/?kiosk=1&turn=1")
