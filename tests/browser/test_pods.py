"""From the first page to the log of a pod that fails, and a log that is followed, filtered and safe."""

import json
import re

import pytest

from .conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SCRIPT = "printf '\\033[31mred\\033[0m <img src=x onerror=alert(1)>\\n' && echo connecting && sleep 2 && exit 3"
NAME = "crashing"


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
