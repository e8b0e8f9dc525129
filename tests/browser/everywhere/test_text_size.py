"""Every page with text twice as large, and enlarged to 200 percent: nothing is cut, covered,
or to be pushed sideways."""

import pytest

from tests import services

from ..conftest import FLAGS, visiting

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LARGE = "--blink-settings=defaultFontSize=32,defaultFixedFontSize=26"  # what a reader sets as the size of text
WAYS = {"text": {"width": 1440, "height": 900}, "zoom": {"width": 720, "height": 450}}
# Each line of text as it is seen, and what is wrong with it.
# What stays in its place while others scroll may be over them.
WRONG = """() => {
  const wrong = [], lines = [], told = (each) => each.textContent.trim().replace(/\\s+/g, " ").slice(0, 40);
  const styles = new Map(), style = (each) => styles.get(each) || styles.set(each, getComputedStyle(each)).get(each);
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is wider than the screen");
  for (const each of document.querySelectorAll(".scroll:not(:has(.matrix))"))
    if (each.scrollWidth > each.clientWidth + 1) wrong.push(`to be pushed sideways: ${each.ariaLabel}`);
  const boxes = "td, th, li, dd, dt, p, h1, h2, h3, button, .button, .chip, .panel, .note, .tile, label, summary";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode, at = text.parentElement;
    const unseen = ".sr, .skip, script, option, .ace_editor, [hidden], dialog:not([open])";
    if (!text.data.trim() || at.closest(unseen)) continue;
    if (!at.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    let clip = { left: -Infinity, right: Infinity, top: -Infinity, bottom: Infinity }, fixed = false, cuts = null;
    for (let each = at; each && each !== document.body; each = each.parentElement) {
      const { overflowX, overflowY, position } = style(each);
      if (position === "fixed") fixed = true;
      if ((overflowX === "visible" && overflowY === "visible") || style(each).display.startsWith("inline")) continue;
      const box = each.getBoundingClientRect();
      if (/hidden|clip/.test(overflowX + overflowY)) cuts ||= box;
      clip = { left: Math.max(clip.left, box.left), right: Math.min(clip.right, box.right), top: Math.max(clip.top,
        box.top), bottom: Math.min(clip.bottom, box.bottom) };
    }
    if (fixed) continue;
    const frame = at.closest(boxes), edge = frame?.getBoundingClientRect();
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left < 2) continue;
      const third = (bottom - top) / 3;
      if (cuts && (left < cuts.left - 1 || right > cuts.right + 1 || top + third < cuts.top ||
        bottom - third > cuts.bottom)) {
        wrong.push(`cut: ${told(at)}`);
        break;
      }
      if (edge && style(frame).display !== "inline" && (left < edge.left - 1 || right > edge.right + 1 ||
        top + third < edge.top || bottom - third > edge.bottom)) {
        wrong.push(`beyond its box: ${told(at)}`);
        break;
      }
      const seen = { left: Math.max(left, clip.left), right: Math.min(right, clip.right), top: Math.max(top,
        clip.top) , bottom: Math.min(bottom, clip.bottom), at, third };
      if (seen.right - seen.left > 2 && seen.bottom - seen.top > third) lines.push(seen);
    }
  }
  lines.sort((one, other) => one.top - other.top);
  for (let first = 0; first < lines.length; first += 1) {
    const one = lines[first];
    for (let second = first + 1; second < lines.length && lines[second].top < one.bottom - one.third; second += 1) {
      const other = lines[second], wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - other.top;
      if (wide > 3 && high > Math.min(one.third,
        other.third)) wrong.push(`over one another: ${told(one.at)} / ${told(other.at)}`);
    }
  }
  return [...new Set(wrong)].slice(0, 8);
}"""

LEAST = 12  # CSS pixels
# Text that is smaller, as large as its picture's scale makes it; and how much text stands in pictures.
SMALL = """(least) => {
  const small = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let drawn = 0;
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || at.closest(".sr, script, title, desc, option, dialog:not([open])")) continue;
    if (!at.checkVisibility({ visibilityProperty: true })) continue;
    const scale = at.ownerSVGElement ? Math.abs(at.getScreenCTM().d) : 1;
    if (at.ownerSVGElement) drawn += 1;
    const size = parseFloat(getComputedStyle(at).fontSize) * scale;
    if (size < least - 0.01) small.push(`${size.toFixed(1)} px: ${at.outerHTML.slice(0, 90)}`);
  }
  return [small.slice(0, 6), drawn];
}"""


@pytest.fixture(scope="module")
def large(chromium):
    """A browser whose text is set to twice its size."""
    with_large_text = chromium.browser_type.launch(executable_path=services.chromium(), args=[*FLAGS, LARGE])
    yield with_large_text
    with_large_text.close()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("way", WAYS)
def test_every_page_can_be_read_at_twice_the_size(chromium, large, sites, somebody, addresses, way, language):
    found = {}
    browser = large if way == "text" else chromium
    with visiting(browser, sites, state=somebody, language=language, **WAYS[way]) as visit:
        for name, address in addresses.items():
            page = visit.open(address)
            page.wait_for_load_state("domcontentloaded")
            if wrong := page.evaluate(WRONG):
                found[name] = wrong
        visit.complaints.clear()
    assert found == {}


@pytest.mark.parametrize("width", [400, 1440])
def test_no_text_is_smaller_than_twelve_pixels_in_pictures_either(chromium, sites, somebody, addresses, width):
    found, drawn = {}, set()
    with visiting(chromium, sites, state=somebody, width=width) as visit:
        for name, address in addresses.items():
            page = visit.open(address)
            page.wait_for_load_state("domcontentloaded")
            small, texts = page.evaluate(SMALL, LEAST)
            if small:
                found[name] = small
            if texts:
                drawn.add(name)
        visit.complaints.clear()
    assert found == {}
    assert drawn >= {"endpoints", "unit"}


def test_the_matrix_has_room_for_what_ails_a_workload(chromium, sites, somebody, addresses):
    """Four columns at 1440 pixels, with a long reason."""
    with visiting(chromium, sites, state=somebody) as visit:
        page = visit.open(addresses["matrix"])
        reasons = page.locator(".tile small")
        expect(reasons.filter(has_text="UnitWithoutEndpoint").first).to_be_visible()
        assert page.locator(".matrix thead th").count() == 5
        assert reasons.evaluate_all("(all) => all.filter((each) => each.scrollWidth > each.clientWidth).length") == 0
