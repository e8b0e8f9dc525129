"""A wall that is left alone for long keeps nothing of what it showed: neither updates nor page turns add up."""

import re

import pytest

from tests.services import wait_for

from ..conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
# Updates one after another, each of which has something to change.
UPDATES = """async (count) => {
  const live = () => document.getElementById("live");
  for (let each = 0; each < count; each += 1) {
    const walk = document.createTreeWalker(live(), NodeFilter.SHOW_TEXT), texts = [];
    while (walk.nextNode()) if (walk.currentNode.data.trim()) texts.push(walk.currentNode);
    for (const text of texts.slice(0, 5)) text.data += "?";
    live().querySelector("dl")?.append(document.createElement("div"));
    live().querySelector("dl > div")?.remove();
    document.dispatchEvent(new CustomEvent("htmx:historyRestore"));
    await new Promise((done) => {
      const settled = ({ detail }) => {
        if (detail.target?.id !== "live") return;
        document.removeEventListener("htmx:afterSettle", settled);
        done();
      };
      document.addEventListener("htmx:afterSettle", settled);
      htmx.trigger(live(), "refresh");
    });
  }
}"""


def kept(page, watch) -> dict[str, float]:
    """What the browser keeps for the page, by name, after all that nobody needs has gone."""
    page.wait_for_function("() => !document.querySelector('[data-lit]')")  # what lights up is held so long
    for _ in range(2):
        watch.send("HeapProfiler.collectGarbage")
    return {each["name"]: each["value"] for each in watch.send("Performance.getMetrics")["metrics"]}


def grown(before, after) -> dict[str, float]:
    return {name: after[name] - before[name] for name in ("Nodes", "JSEventListeners", "Documents")}


def test_neither_updates_nor_turns_of_a_wall_add_up(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        page = visit.open("/?kiosk=1&turn=0")
        streams = set()
        page.on("request", lambda asked: "/api/v1/events" in asked.url and streams.add(asked))
        page.on("requestfailed", lambda asked: streams.discard(asked))
        page.on("requestfinished", lambda asked: streams.discard(asked))
        watch = page.context.new_cdp_session(page)
        watch.send("Performance.enable")
        for address in ("/?kiosk=1&turn=0", "/matrix/?kiosk=1&turn=0"):
            visit.open(address)
            page.evaluate(UPDATES, 5)
            before = kept(page, watch)
            page.evaluate(UPDATES, 40)
            more = grown(before, kept(page, watch))
            assert max(more.values()) < 20, (address, more)

        def turn_all():
            for address in ("grids/", "events/", "jobs/", r":\d+/", "matrix/"):
                with page.expect_navigation(url=re.compile(address + r"\?kiosk")):
                    page.keyboard.press("ArrowRight")

        turn_all()
        before = kept(page, watch)
        for _ in range(2):
            turn_all()
        more = grown(before, kept(page, watch))
        assert more["Documents"] <= 2, more
        wait_for(lambda: page.title() and len(streams) == 1, 75, "one stream is open")
