"""Every page that lives leaves its reader alone: what is open, typed, chosen, marked, focused and scrolled stays as it
is, and nothing is said aloud that is not news."""

import re

import pytest

from ..conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
# A reader opens, types, chooses, marks, focuses and scrolls all that there is.
USE = """() => {
  const main = document.getElementById("main"), seen = (each) => each.getClientRects().length > 0;
  const parts = [...main.querySelectorAll("[data-live][id]")];
  const within = (what) => parts.flatMap((each) => [...each.querySelectorAll(what)]);
  window.boxes = within("[type=checkbox]").slice(0, 2);
  for (const each of window.boxes) each.click();
  window.checked = window.boxes.map((each) => each.checked);
  window.opened = [...document.querySelectorAll("details")].filter(seen);
  for (const each of window.opened) each.open = true;
  window.fields = [...main.querySelectorAll("input:is([type=text], [type=search], :not([type])), textarea")]
    .filter((each) => seen(each) && !each.readOnly && !each.closest(".ace_editor, dialog"));
  for (const each of window.fields) each.value = "half-typed";
  window.scrolls = [...document.querySelectorAll("*")].filter((each) => each.scrollHeight > each.clientHeight + 40 &&
    /auto|scroll/.test(getComputedStyle(each).overflowY));
  for (const each of window.scrolls) each.scrollTop = 30;
  scrollTo(0, 60);
  window.where = () => String([scrollY, ...window.scrolls.map((each) => each.scrollTop)]);
  window.place = window.where();
  const region = "[aria-live], [role=status], [role=alert], [role=log]";
  const texts = [];
  for (const part of parts) {
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (walk.currentNode.data.trim()) texts.push(walk.currentNode);
  }
  const others = `${region}, summary, time, button, option, textarea, [data-keep], script`;
  window.texts = texts.filter(({ parentElement: each }) => seen(each) && !each.closest(others));
  const last = window.texts.length > 1 ? window.texts.pop() : null;
  if (last) getSelection().setBaseAndExtent(last, 0, last, last.length);
  window.marked = getSelection().toString();
  // One of each kind that can be focused.
  window.stops = ["a[href]", "button", "summary", "[type=checkbox]", "[tabindex='0']"]
    .map((kind) => within(kind).find((each) => seen(each) && each.tabIndex >= 0)).filter(Boolean);
  return [window.stops.length, parts.map(({ id }) => id)];
}"""
LISTEN = """() => {
  const before = window.chatter;
  window.chatter = [];
  if (before) return;
  const region = "[aria-live], [role=status], [role=alert], [role=log]";
  const told = (records) => {
    for (const { target } of records) {
      const at = target.nodeType === Node.TEXT_NODE ? target.parentElement : target, said = at?.closest(region);
      if (said && said.getAttribute("aria-live") !== "off") window.chatter.push(at.outerHTML.slice(0, 120));
    }
  };
  new MutationObserver(told).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
FILLED = "() => [...document.querySelectorAll('#main [hx-trigger*=load]')].every((each) => each.children.length)"
SHOWN = "() => !document.activeElement.matches('.heat .cells a') || !document.getElementById('heat-card').hidden"
GO = """(stop) => {
  window.at = window.stops[stop];
  window.at?.focus({ preventScroll: true });
}"""
# What a page says is made to differ from what the server says, so that each update has something to change.
DISTURB = """() => {
  const plain = window.texts.filter((each) => each.isConnected && !each.parentElement.contains(window.at));
  window.disturbed = plain.slice(0, 5).map((text) => [text, text.data]);
  for (const [text] of window.disturbed) text.data += "?";
  document.dispatchEvent(new CustomEvent("htmx:historyRestore"));  // forget what the parts were made of
  window.waited = new Set();
  for (const part of document.querySelectorAll("#main [data-live][id]")) {
    window.waited.add(part.id);
    htmx.trigger(part, "refresh");
  }
}"""
SETTLED = (
    """() => document.addEventListener("htmx:afterSettle", ({ detail }) => window.waited?.delete(detail.target?.id))"""
)
LOST = """() => {
  const lost = [], lose = (what, each) => lost.push(`${what}: ${each.outerHTML.slice(0, 120)}`);
  if (window.at && document.activeElement !== window.at) lose("focus", window.at);
  for (const each of window.opened) if (!each.isConnected || !each.open) lose("closed", each);
  for (const each of window.fields) if (!each.isConnected || each.value !== "half-typed") lose("typed", each);
  window.boxes.forEach((each, number) => {
    if (!each.isConnected || each.checked !== window.checked[number]) lose("chosen", each);
  });
  if (getSelection().toString() !== window.marked) lost.push(`marked: ${getSelection()} instead of ${window.marked}`);
  if (window.where() !== window.place) lost.push(`scrolled: ${window.where()} instead of ${window.place}`);
  for (const [text, before] of window.disturbed)
    if (text.isConnected && text.data !== before) lost.push(`old: ${text.data}`);
  const ticks = "time[data-age]:not([aria-live=off])";
  for (const each of document.querySelectorAll(`:is([aria-live], [role=status], [role=alert]) ${ticks}`))
    lose("ticks aloud", each.parentElement);
  for (const each of window.chatter) lost.push(`said aloud: ${each}`);
  return lost;
}"""


def lost_on(page, address, seen) -> list[str]:
    """What a reader loses on a page by updates; the parts of it that live are added to `seen`."""
    page.goto(address)
    if not page.locator("#main [data-live][id]").count():
        return []
    page.wait_for_function(FILLED)
    page.evaluate(SETTLED)
    stops, parts = page.evaluate(USE)
    seen.update(parts)
    lost = []
    for stop in range(max(stops, 1)):
        page.evaluate(GO, stop)
        page.wait_for_function(SHOWN)
        page.evaluate(LISTEN)
        page.evaluate(DISTURB)
        page.wait_for_function("() => window.waited.size === 0")
        lost += page.evaluate(LOST)
    return lost


def test_whoever_reads_works_or_listens_is_left_alone_by_updates(chromium, sites, somebody, addresses):
    found, seen = {}, set()
    with visiting(chromium, sites, state=somebody, height=500) as visit:
        for name, address in addresses.items():
            # What has gone from the cluster meanwhile is gone from the page once, and not twice.
            if lost_on(visit.page, visit.url + address, seen) and (
                lost := lost_on(visit.page, visit.url + address, seen)
            ):
                found[name] = lost
        visit.complaints.clear()
    assert found == {}
    assert seen == {"live", "facts", "kubernetes-events"}


def test_a_card_that_was_read_out_is_not_read_again_as_it_ages(chromium, sites, somebody):
    """What changed in it is said, and nothing else."""
    with visiting(chromium, sites, state=somebody) as visit:
        page, said = visit.open("/"), []
        page.focus(".heat .cells > a")
        page.keyboard.press("ArrowDown")
        card = page.locator("#heat-card")
        playwright.expect(card.locator("time").first).to_be_visible()
        page.evaluate(LISTEN)

        def older(route):
            answer = route.fetch()
            text = re.sub(r">[^<]+</time>", ">99d ago</time>", answer.text()).replace("<b>Nodes", "<b>All its nodes")
            route.fulfill(response=answer, body=text)

        page.route("**/card/**", older)
        page.evaluate("htmx.trigger('#live', 'refresh')")
        playwright.expect(card).to_contain_text("All its nodes")
        said = page.evaluate("window.chatter")
    assert said == ["<b>All its nodes</b>"]
