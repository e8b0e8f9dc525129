"""On paper there is nothing that one can only press, and nothing is cut; with the colours of the system states can be
told apart, and so can what is chosen."""

import pytest

from tests.house.tree import ROOT

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PAPER = 718  # CSS pixels between the margins of A4
LONG = "a-name-that-does-not-end-" * 4
PAGE = f"""
<style>{(ROOT / "static/sgportal.css").read_text()}</style>
<header class="bar"><nav><a href="#" id="other">One</a><a href="#" id="here" aria-current="page">Two</a></nav></header>
<div class="strip stale" id="pulse"><time datetime="2026-01-02T03:04:05Z">5s ago</time></div>
<main>
  <nav class="tabs"><a href="#">Tab</a></nav>
  <form class="filters"><input></form>
  <p class="actions"><a class="button main" href="#">Press</a></p>
  <div class="scroll"><table>
    <tr><th scope="row">{LONG}</th><td class="nowrap">{LONG}</td><td class="mono">{LONG}</td></tr>
    <tr><td colspan="3"><button>Press</button></td></tr>
  </table></div>
  <p><span class="state s-Ready"><i class="mark" id="mark"></i>Ready</span></p>
</main>
"""


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": PAPER, "height": 900})
    page = context.new_page()
    page.set_content(PAGE)
    yield page
    context.close()


def test_a_printed_page_is_whole_without_what_one_can_press_and_says_of_when_it_is(page):
    page.emulate_media(media="print")
    for gone in (".bar", ".tabs", ".filters", ".actions", "button"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator("table").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert page.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    told = page.evaluate("getComputedStyle(document.querySelector('#pulse time'), '::after').content")
    assert "2026-01-02T03:04:05Z" in told


def test_a_dark_theme_is_printed_light(page):
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_with_the_colours_of_the_system_states_and_the_chosen_tab_can_be_told(page):
    page.emulate_media(forced_colors="active")
    style = "getComputedStyle(document.getElementById('{}')).{}"
    canvas = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.evaluate(style.format("mark", "backgroundColor")) != canvas
    assert page.evaluate(style.format("here", "outlineStyle")) == "solid"
    assert page.evaluate(style.format("other", "outlineStyle")) == "none"
