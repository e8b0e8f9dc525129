"""Every page, in both themes and both languages: accessible, at home on small screens, offline, without a complaint."""

import pytest

from .conftest import visiting

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}}
VARIANTS = {
    "light-en-1440": {"theme": "light", "language": "en", "width": 1440},
    "dark-zh-400": {"theme": "dark", "language": "zh-hans", "width": 400},
}


# Tables are cards on a phone; only the matrix has two axes.
SIDEWAYS = """[...document.querySelectorAll(".scroll:not(:has(.matrix))")]
    .filter((each) => each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.ariaLabel)"""


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_page(chromium, sites, somebody, addresses, variant):
    found = {}
    with visiting(chromium, sites, state=somebody, **VARIANTS[variant]) as visit:
        for name, address in addresses.items():
            page = visit.open(address)
            page.wait_for_load_state("domcontentloaded")
            visit.shot(f"{name}-{variant}", full_page=True)
            wrong = [
                (each["id"], each["nodes"][0]["html"][:160])
                for each in axe.Axe().run(page, options=RULES).response["violations"]
            ]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(("wider than the screen", ""))
            if visit.page.viewport_size["width"] == 400:
                wrong += [("a table to be pushed sideways", each) for each in page.evaluate(SIDEWAYS)]
            if wrong:
                found[name] = wrong
        visit.complaints = [text for text in visit.complaints if "404" not in text]  # of the page that is not there
    assert found == {}


def test_on_a_phone_tabs_are_at_the_bottom_and_hide_nothing(chromium, sites, somebody):
    """The tab of the page is in view, and the end of a page can be scrolled above them, also by keyboard."""
    with visiting(chromium, sites, state=somebody, width=400, height=800) as visit:
        for address in ("/activity/", "/grids/"):
            page = visit.open(address)
            page.wait_for_function(
                """() => {
                    const tab = document.querySelector(".bar nav [aria-current]").getBoundingClientRect();
                    return tab.bottom > innerHeight - 4 && tab.left >= 0 && tab.right <= innerWidth;
                }"""
            )
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        tabs, end = page.locator(".bar nav").bounding_box(), page.locator(".foot").bounding_box()
        assert end["y"] + end["height"] <= tabs["y"]
        page.locator("#live tbody a").last.focus()
        chosen = page.locator("#live tbody a").last.bounding_box()
        assert chosen["y"] + chosen["height"] <= tabs["y"]


def test_the_log_in(chromium, sites):
    for variant in VARIANTS.values():
        with visiting(chromium, sites, state={"cookies": [], "origins": []}, **variant) as visit:
            page = visit.open("/login/")
            assert axe.Axe().run(page, options=RULES).response["violations"] == []


def test_the_pages_behind_a_button(chromium, sites, somebody, addresses):
    """The plan of an edit, what a label would do, what cannot be accepted."""
    for name, variant in VARIANTS.items():
        with visiting(chromium, sites, state=somebody, **variant) as visit:
            page = visit.open(addresses["grid-edit"])
            page.locator('input[name$="replicas"]').first.fill("4")
            page.click('.head button[value="preview"]')
            assert axe.Axe().run(page, options=RULES).response["violations"] == []
            visit.shot(f"preview-{name}", full_page=True)
            visit.open(addresses["label"])
            page.click('button[value="preview"]')
            assert axe.Axe().run(page, options=RULES).response["violations"] == []
            visit.shot(f"impact-{name}", full_page=True)
            visit.open("/grids/new/")
            page.click('.head button[value="preview"]')
            assert axe.Axe().run(page, options=RULES).response["violations"] == []
            visit.shot(f"refused-{name}", full_page=True)
            visit.complaints.clear()


def test_the_help_and_the_menu_are_accessible_when_open(chromium, sites, somebody):
    for variant in VARIANTS.values():
        with visiting(chromium, sites, state=somebody, **variant) as visit:
            page = visit.open("/")
            page.click("#menu summary")
            assert axe.Axe().run(page, options=RULES).response["violations"] == []
            page.keyboard.press("Escape")
            page.keyboard.press("Control+k")
            page.keyboard.type("node")
            page.wait_for_selector("#palette [aria-selected=true]")
            assert axe.Axe().run(page, options=RULES).response["violations"] == []
            page.keyboard.press("Escape")
            page.click("[data-help]")
            assert axe.Axe().run(page, options=RULES).response["violations"] == []


def test_a_viewer_is_offered_nothing_to_change(chromium, sites):
    with visiting(chromium, sites, user="viewer") as visit:
        page = visit.open("/grids/")
        page.click("#live tbody a")
        assert page.locator("h1").count() == 1
        assert page.locator("main .actions a").count() == 0
        assert page.locator('a[href="/audit/"]').count() == 0


def test_the_administration_site_keeps_to_the_policy(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        for address in ("/admin/", "/admin/sgportal/gridunit/", "/admin/sgportal/gridunit/node-units/"):
            assert visit.page.goto(sites.url + address).ok


def test_at_400_percent_nothing_needs_sideways_scrolling(chromium, sites, somebody, addresses):
    with visiting(chromium, sites, state=somebody, width=320, height=256) as visit:
        wide = []
        for name, address in addresses.items():
            if visit.open(address).evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)
        visit.complaints.clear()
    assert wide == []


def test_without_scripts_pages_can_be_read_and_forms_sent(chromium, sites, somebody):
    context = chromium.new_context(java_script_enabled=False, storage_state=somebody)
    page = context.new_page()
    page.goto(sites.url + "/nodes/?search=node2")
    page.check('input[name="node"]')
    page.click(".bulk button:first-child")
    page.fill("#key", "zone1")
    page.fill("#value", "b")
    page.click('button[value="preview"]')
    assert "zone1=b" in page.inner_text("main")
    page.goto(sites.url + "/grids/new/?kind=ServiceGrid")
    page.fill("#f-name", "plain")
    page.click('button[value="yaml"]')
    assert "name: plain" in page.input_value("#document")
    context.close()


@pytest.mark.parametrize(("theme", "paper"), [("dark", "rgb(15, 18, 19)"), ("light", "rgb(245, 245, 241)")])
def test_a_chosen_theme_beats_that_of_the_system(chromium, sites, somebody, theme, paper):
    opposite = {"dark": "light", "light": "dark"}[theme]
    with visiting(chromium, sites, state=somebody, theme=opposite) as visit:
        page = visit.open("/")
        page.click("#menu summary")
        with page.expect_navigation():  # a page that has only begun has no body yet
            page.click(f'button[name="theme"][value="{theme}"]')
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
        visit.open("/grids/new/?mode=yaml")
        surface = page.evaluate("getComputedStyle(document.querySelector('.editor')).backgroundColor")
        assert surface == {"dark": "rgb(22, 26, 28)", "light": "rgb(255, 255, 253)"}[theme]
        page.click("#menu summary")
        page.click('button[name="theme"][value="auto"]')


def test_the_language_can_be_changed_on_the_page(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        page = visit.open("/nodes/")
        page.click("#menu summary")
        page.click('button[name="language"][value="zh-hans"]')
        assert page.get_attribute("html", "lang") == "zh-hans"
        assert page.url.endswith("/nodes/")
        page.click("#menu summary")
        page.click('button[name="language"][value="en"]')
