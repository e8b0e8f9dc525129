"""From the first page to the log of a pod that fails, and a log that is followed, filtered and safe."""

import json
import re

import pytest

from .conftest import visiting
from .test_quality import RULES

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SCRIPT = "printf '\\033[31mred\\033[0m <img src=x onerror=alert(1)>\\n' && echo connecting && sleep 2 && exit 3"
NAME = "crashing"
# Go to a place within the page; whether it opens a drawer.
GO = """(place) => new Promise((done) => {
  addEventListener("hashchange", () => setTimeout(() => done(document.getElementById("drawer").open)), { once: true });
  location.hash = place;
})"""


@pytest.fixture(scope="module")
def failing(sites):
    labels = {"app": NAME}
    container = {"name": "app", "image": "img:1", "command": ["sh", "-c", SCRIPT]}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    body = {
        "apiVersion": "superedge.io/v1",
        "kind": "DeploymentGrid",
        "metadata": {"name": NAME, "namespace": "default"},
    }
    body["spec"] = {"gridUniqKey": "site", "template": spec}
    assert sites.door.ask("POST", "deploymentgrids", json.dumps(body).encode())[0] == 201
    return sites


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("width", [1440, 400])
def test_two_clicks_from_the_first_page_to_the_log_of_a_failing_pod(chromium, failing, somebody, language, width):
    with visiting(chromium, failing, state=somebody, language=language, width=width) as visit:
        page = visit.open("/")
        example = page.locator(".causes li", has_text="CrashLoopBackOff").locator("small a")
        expect(example).to_be_visible()
        example.click()
        page.get_by_role("link", name=re.compile("^Logs of|日志")).first.click()
        log = page.locator("#log")
        expect(log).to_contain_text("connecting")
        expect(log).to_contain_text("red <img src=x onerror=alert(1)>")
        assert log.locator("img").count() == 0
        assert "\x1b" not in log.inner_text()


def test_a_log_is_followed_and_filtered(chromium, failing, somebody):
    with visiting(chromium, failing, state=somebody) as visit:
        page = visit.open("/grids/deploymentgrids/default/shop-frontend/units/beijing-01/")
        page.get_by_role("link", name=re.compile("^Logs of|日志")).first.click()
        lines = page.locator("#log > span")
        page.get_by_role("button", name="Follow").click()
        told = page.locator("#main").get_by_role("status")
        expect(told).to_have_text("Following")
        before = lines.count()
        expect(lines.nth(before)).to_be_visible()
        page.get_by_role("button", name="Stop following").click()
        expect(page.get_by_role("button", name="Follow")).to_be_visible()
        page.get_by_label("Filter lines").fill("started on")
        expect(told).to_contain_text("Matching lines:")
        expect(page.locator("#log mark").first).to_have_text("started on")
        assert page.locator("#log > span:visible").filter(has_not_text="started on").count() == 0
        page.get_by_label("Filter lines").fill("")
        expect(page.locator("#log mark")).to_have_count(0)


@pytest.mark.parametrize(("language", "exit_code"), [("en", "Exit code"), ("zh-hans", "退出码")])
def test_commands_are_run_one_after_the_other(chromium, failing, somebody, language, exit_code):
    with visiting(chromium, failing, state=somebody, language=language, width=400) as visit:
        page = visit.open("/grids/deploymentgrids/default/shop-frontend/units/beijing-01/")
        pod = page.locator('a[href^="/pods/"]').first.get_attribute("href")
        visit.open("/".join(pod.split("/")[:4]) + "/")
        page.locator('a[href$="/terminal/"]').click()
        screen, line, told = (
            page.locator("#terminal"),
            page.locator("[name=line]"),
            page.locator("[data-terminal-status]"),
        )
        line.fill("ls")
        line.press("Enter")
        expect(told).to_contain_text(f"{exit_code} 0")
        expect(screen).to_contain_text("$ ls")
        line.fill("<img src=x onerror=alert(1)>")
        line.press("Enter")
        expect(screen).to_contain_text("$ <img src=x onerror=alert(1)>")
        expect(told).not_to_contain_text(f"{exit_code} 0")
        assert screen.locator("img").count() == 0
        line.press("ArrowUp")
        line.press("ArrowUp")
        expect(line).to_have_value("ls")


@pytest.mark.parametrize(("language", "width", "theme"), [("en", 1440, "light"), ("zh-hans", 400, "dark")])
def test_a_pod_opens_beside_the_page_that_names_it(chromium, failing, somebody, language, width, theme):
    with visiting(chromium, failing, state=somebody, language=language, width=width, theme=theme) as visit:
        page = visit.open("/grids/deploymentgrids/default/shop-frontend/units/beijing-01/")
        link = page.locator("a[data-drawer]").first
        name = link.inner_text()
        link.click()
        drawer = page.locator("#drawer")
        expect(drawer.get_by_role("heading", name=name, exact=True)).to_be_focused()
        expect(drawer.locator("table td", has_text="registry.example.com/shop/frontend").first).to_be_visible()
        expect(drawer.locator("#drawer-kubernetes-events :is(table, .empty)")).to_be_visible()
        assert axe.Axe().run(page, options=RULES).response["violations"] == []
        names = page.locator("[id]").evaluate_all("all => all.map(({ id }) => id)")
        assert len(names) == len(set(names))
        shared = page.url
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
        expect(link).to_be_focused()
        expect(page).to_have_url(shared.partition("#")[0])
        link.click()
        expect(drawer.get_by_role("heading", name=name, exact=True)).to_be_visible()
        page.go_back()
        expect(drawer).to_be_hidden()
        visit.open("/nodes/")
        page.goto(shared)
        expect(drawer.get_by_role("heading", name=name, exact=True)).to_be_focused()
        drawer.locator("[data-close]").click()
        expect(drawer).to_be_hidden()
        expect(page).to_have_url(shared.partition("#")[0])


def test_a_drawer_stays_up_to_date_and_shows_nothing_but_pods(chromium, failing, somebody):
    with visiting(chromium, failing, state=somebody) as visit:
        page = visit.open("/grids/deploymentgrids/default/shop-frontend/units/beijing-01/")
        page.locator("a[data-drawer]").first.click()
        expect(page.locator("#drawer-kubernetes-events :is(table, .empty)")).to_be_visible()
        page.evaluate("document.querySelector('#drawer-live').dataset.was = 'here'")
        with page.expect_response(lambda answer: "?in=drawer" in answer.url):
            page.evaluate("htmx.trigger(document.getElementById('drawer-live'), 'refresh')")
        expect(page.locator("#drawer-kubernetes-events :is(table, .empty)")).to_be_visible()
        expect(page.locator("#drawer-live h2").first).to_be_focused()
        for hostile in ("//elsewhere.example/pods/a/b/", "/pods/a/b/log/", "/pods/a/b/?x=1", "/pods/a/%2e%2e/"):
            visit.open("/nodes/")
            assert not page.evaluate(GO, f"drawer={hostile}"), hostile
