"""Every page with the keys alone: everything is come by in the order in which it is read, and is seen when it is."""

import pytest

from ..conftest import visiting

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
START = """(id) => {
  window.stops = [];
  getSelection().removeAllRanges();
  document.activeElement.blur();
  scrollTo(0, 0);
  document.getElementById(id)?.focus({ preventScroll: true });
}"""
# Where the focus is after a press of Tab: what a person sees of it, and what is wrong with that. null: once round.
STEP = """() => {
  const at = document.activeElement, before = window.stops.at(-1);
  if (at === document.body || window.stops.includes(at) || (before && at.matches(".skip"))) return null;
  window.stops.push(at);
  const wrong = [], style = getComputedStyle(at), frame = at.closest(".ace_editor") || at;
  const { left, top, width, height, right, bottom } = frame.getBoundingClientRect();
  if (at.tabIndex > 0) wrong.push("an order of its own");
  const follows = !before?.isConnected || before.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (!follows) wrong.push("out of order");
  if (width < 1 || height < 1 || style.visibility !== "visible") wrong.push("not to be seen");
  const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  if (!marked && frame === at) wrong.push("without a mark");
  const across = [0.03, 0.25, 0.5, 0.75, 0.97].map((part) => left + width * part);
  const down = [0.1, 0.5, 0.9].map((part) => top + height * part);
  const shown = across.some((x) => down.some((y) => {
    const there = document.elementFromPoint(x, y);
    return there && (frame.contains(there) || (at.matches("input") && there.closest("label")?.contains(at)));
  }));
  if (bottom <= 0 || top >= innerHeight || right <= 0 || left >= innerWidth) wrong.push("outside the screen");
  else if (!shown) wrong.push("covered");
  return wrong.map((each) => `${each}: ${at.outerHTML.slice(0, 120)}`);
}"""
MOST = 24  # what follows in a long list is like what came before
# One of each shape: a list, a table with two axes, a form, an editor, tabs, a log.
PAGES = (
    *("overview", "matrix", "nodes", "unit", "grid", "grid-unit", "endpoints", "grid-edit-yaml", "new"),
    *("pod-log", "assign", "cluster", "activity", "profile"),
)


def test_tab_goes_through_a_page_as_it_is_read(chromium, sites, somebody, addresses):
    """On a phone, whose tabs at the bottom and names of rows could be over what has the focus."""
    found = {}
    with visiting(chromium, sites, state=somebody, width=400, height=800) as visit:
        for name in PAGES:
            page = visit.open(addresses[name])
            page.evaluate(START, "" if name == "overview" else "main")  # what is above it is the same everywhere
            wrong = []
            for _ in range(MOST):
                page.keyboard.press("Tab")
                seen = page.evaluate(STEP)
                if seen is None:
                    break
                wrong += seen
            if wrong:
                found[name] = wrong
        visit.complaints.clear()
    assert found == {}
