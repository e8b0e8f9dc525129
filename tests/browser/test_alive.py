"""Live updates change what differs and nothing else: focus, selection, menus, scroll and open details stay."""

import json
import threading

import pytest

from tests.services import wait_for

from .conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
REFRESH = """() => new Promise((done) => {
  document.addEventListener("htmx:afterSettle", done, { once: true });
  htmx.trigger("#live", "refresh");
})"""
COUNT_UPDATES = "window.updates = 0; document.addEventListener('htmx:afterSettle', () => { window.updates += 1 })"


@pytest.fixture
def visit(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        yield visit


@pytest.fixture
def rain(sites):
    """Labels of node0 that change all the time; the value that the last one gets at the end."""
    over = threading.Event()

    def label(value):
        body = json.dumps({"metadata": {"labels": {"rain": value}}}).encode()
        assert sites.door.ask("PATCH", "nodes/node0", body)[0] == 200

    def fall():
        drop = 0
        while not over.wait(0.3):
            drop += 1
            label(f"drop-{drop}")

    thread = threading.Thread(target=fall)
    thread.start()
    yield "rain"
    over.set()
    thread.join()
    label(None)


def test_a_reader_is_not_disturbed_while_labels_rain(visit, rain):
    page = visit.open("/nodes/")
    page.set_viewport_size({"width": 700, "height": 400})
    page.evaluate("document.querySelector('[data-search]').focus()")
    page.evaluate("window.row = document.querySelector('#live tbody tr:nth-child(3)')")
    page.evaluate("""() => {
      const cell = window.row.querySelector('th'), range = document.createRange();
      range.selectNodeContents(cell);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      window.marked = getSelection().toString();
      document.querySelector('#live .scroll').scrollLeft = 40;
      scrollTo(0, 120);
      document.getElementById('menu').open = true;
    }""")
    focus_and_scroll = """() => [document.activeElement.name, getSelection().toString() === window.marked,
      document.querySelector('#live .scroll').scrollLeft, scrollY, document.getElementById('menu').open,
      window.row.isConnected, window.marked !== '']"""
    before = page.evaluate(focus_and_scroll)
    page.evaluate(COUNT_UPDATES)
    shown = set()
    for _ in range(75):
        page.wait_for_timeout(500)
        shown |= set(page.evaluate("[...document.body.innerHTML.matchAll(/drop-\\d+/g)].map(String)"))
        if len(shown) > 3 and page.evaluate("window.updates") > 2:
            break
    assert len(shown) > 3
    assert page.evaluate(focus_and_scroll) == before
    assert before[5]


def test_a_change_is_made_in_place_and_what_is_new_lights_up(visit, sites):
    page = visit.open("/nodes/?search=node2")
    page.evaluate("window.kept = [...document.querySelectorAll('#live, #live tbody tr, #live a')]")
    page.evaluate("""() => {
      window.lit = [];
      window.moving = 0;
      const told = (records) => {
        for (const { target } of records) if ("lit" in target.dataset) window.lit.push(target.tagName);
        window.moving += document.getAnimations().length;
      };
      new MutationObserver(told).observe(document.body, { subtree: true, attributeFilter: ["data-lit"] });
    }""")
    body = json.dumps({"metadata": {"labels": {"brand-new": "yes"}}}).encode()
    assert sites.door.ask("PATCH", "nodes/node2", body)[0] == 200
    expect(page.locator("#live")).to_contain_text("brand-new")
    assert page.evaluate("window.kept.every((each) => each.isConnected)")
    assert page.evaluate("window.lit") == ["TD"]
    expect(page.locator("[data-lit]")).to_have_count(0)
    assert page.evaluate("window.moving") == 0, "what has the page painted for every frame, costs more than the update"
    page.emulate_media(reduced_motion="reduce")
    body = json.dumps({"metadata": {"labels": {"brand-new": None}}}).encode()
    assert sites.door.ask("PATCH", "nodes/node2", body)[0] == 200
    expect(page.locator("#live")).not_to_contain_text("brand-new")
    assert page.evaluate("window.lit") == ["TD"]


def test_what_is_read_once_the_page_is_there_does_not_light_up(visit):
    visit.page.add_init_script("""
      window.lit = 0;
      const ours = ({ target }) => target.matches("#kubernetes-events *");
      const told = (records) => { window.lit += records.filter(ours).length; };
      new MutationObserver(told).observe(document, { subtree: true, attributeFilter: ["data-lit"] });
    """)
    page = visit.open("/nodes/node2/")
    expect(page.locator("#kubernetes-events > :is(.panel, .scroll)")).to_be_visible()
    assert page.evaluate("window.lit") == 0


def test_rows_are_moved_added_and_removed_as_themselves(visit):
    """Where the order of rows changes, each row is known by what it is about, and the focus goes with it."""
    page = visit.open("/nodes/")
    names = page.locator("#live tbody th a").all_inner_texts()
    page.focus(f"#live tbody tr:has(a:text-is('{names[1]}')) a")
    answer = page.evaluate("document.getElementById('live').outerHTML")
    turned = page.evaluate(
        """(text) => {
          const part = new DOMParser().parseFromString(text, "text/html").getElementById("live");
          const rows = part.querySelector("tbody");
          rows.append(...[...rows.children].reverse());
          rows.lastElementChild.remove();
          return part.outerHTML;
        }""",
        answer,
    )
    page.route("**/nodes/", lambda route: route.fulfill(body=turned, content_type="text/html"))
    page.evaluate("window.second = document.activeElement.closest('tr')")
    page.evaluate(REFRESH)
    assert page.locator("#live tbody th a").all_inner_texts() == names[:0:-1]
    assert page.evaluate("document.activeElement.closest('tr') === window.second && window.second.isConnected")
    page.unroute("**/nodes/")
    page.evaluate(REFRESH)
    assert page.locator("#live tbody th a").all_inner_texts() == names
    assert page.evaluate("document.activeElement.closest('tr') === window.second")


def test_what_is_marked_waits_and_is_brought_up_to_date_afterwards(visit, sites):
    page = visit.open("/nodes/node1/")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#live'))")
    body = json.dumps({"metadata": {"labels": {"late": "yes"}}}).encode()
    assert sites.door.ask("PATCH", "nodes/node1", body)[0] == 200
    with page.expect_response(lambda answer: answer.request.headers.get("hx-target") == "live"):
        pass
    assert not page.evaluate("getSelection().isCollapsed")
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator("#live")).to_contain_text("late")
    assert sites.door.ask("PATCH", "nodes/node1", body.replace(b'"yes"', b"null"))[0] == 200


UNITS = """(root) => [...root.querySelectorAll('.heat .cells > a')].map((each) =>
  new URLSearchParams((each.dataset.site || each.getAttribute('href')).split('?')[1]).get('unit'))"""
AS_OF_NOW = f"""async () => {{
  const answer = await fetch(location.href, {{ headers: {{ 'HX-Request': 'true', 'HX-Target': 'live' }} }});
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return ({UNITS})(page).join(' ') === ({UNITS})(document).join(' ');
}}"""
# Without a moment in between, in which the stream might bring something else.
BY_HAND = f"""() => {{
  const units = () => ({UNITS})(document), live = document.getElementById('live'), whole = live.outerHTML;
  const how = {{ swapStyle: 'morph', swapDelay: 0, settleDelay: 0 }};
  const swap = (text) => htmx.swap(live, text, how, {{ contextElement: live }});
  const part = new DOMParser().parseFromString(whole, 'text/html').getElementById('live');
  const list = part.querySelector('.cells'), sent = [3, 4, 5].map((place) => list.children[place].cloneNode(true));
  const columns = [...document.querySelector('.heat .cells').children], before = units();
  Object.assign(sent[0].dataset, {{ old: '3', after: 'first' }});
  Object.assign(sent[1].dataset, {{ after: '3' }});
  delete sent[1].dataset.site;
  sent[1].setAttribute('href', '/unit/?key=site&unit=brand-new');
  Object.assign(sent[2].dataset, {{ old: '5' }});
  sent[2].setAttribute('aria-label', 'changed');
  Object.assign(list.dataset, {{ from: list.dataset.list, list: 'next', gone: '0 1' }});
  list.replaceChildren(...sent);
  const versions = () => [...document.querySelectorAll('[data-list]')].map((each) => each.dataset.list);
  swap(part.outerHTML);
  const found = {{ before, after: units(), versions: versions(), label: columns[5].getAttribute('aria-label'),
                   stayed: columns.map((each) => each.isConnected) }};
  swap(part.outerHTML);
  const again = {{ after: units(), versions: versions() }};
  swap(whole);
  return {{ ...found, again, whole: units() }};
}}"""


def test_of_the_heat_map_comes_only_what_changed_and_all_of_it_is_shown(visit, sites):
    node = sites.door.get("nodes?group=site&limit=1")["items"][0]["metadata"]
    site = node["labels"]["site"]
    page = visit.open("/")
    page.locator(f".heat .cells > a:not([href*='unit={site}'])").first.focus()
    page.evaluate("window.columns = [...document.querySelectorAll('.heat .cells > a')]")
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    body = json.dumps({"metadata": {"labels": {"site": "brand-new-site"}}}).encode()
    assert sites.door.ask("PATCH", f"nodes/{node['name']}", body)[0] == 200
    expect(page.locator(".heat .cells > a[href*=brand-new-site]")).to_have_count(1)
    wait_for(lambda: page.evaluate(AS_OF_NOW), 75, "the page shows what the server says", pause=0.5)
    told = [each for each in answers if "sg-shown" in each.request.headers and each.status == 200]
    assert told
    assert all('data-from="' in each.text() for each in told)
    assert page.evaluate("window.columns.filter((each) => !each.isConnected).length") <= 1  # the site that was empty
    assert page.evaluate("document.querySelectorAll('.heat [tabindex=\"0\"]').length") == 1
    assert page.evaluate("document.activeElement.closest('.heat .cells > a') !== null")
    body = json.dumps({"metadata": {"labels": {"site": site}}}).encode()
    assert sites.door.ask("PATCH", f"nodes/{node['name']}", body)[0] == 200


def test_blocks_of_a_list_are_moved_added_changed_and_removed_as_themselves(visit):
    page = visit.open("/")
    found = page.evaluate(BY_HAND)
    before = found["before"]
    assert len(before) > 6
    assert found["after"] == [before[3], "brand-new", before[2], *before[4:]]
    assert found["stayed"] == [False, False, *[True] * (len(before) - 2)]
    assert found["label"] == "changed"
    assert "next" in found["versions"]
    # What was sent for a list that is not shown any more changes nothing, and all of it is asked for.
    assert found["again"] == {"after": found["after"], "versions": []}
    assert found["whole"] == before
