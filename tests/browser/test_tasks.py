"""What an operator does every day, by clicks, in Chinese on a phone."""

import json
import re

import pytest

from .conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Hand:
    """Somebody who clicks, and how often."""

    def __init__(self, page):
        self.page, self.clicks = page, 0

    def click(self, selector):
        self.page.locator(selector).first.click()
        self.clicks += 1


@pytest.fixture
def phone(chromium, sites, somebody):
    with visiting(chromium, sites, language="zh-hans", width=400, height=800, state=somebody) as visit:
        yield visit.open("/")


def test_three_nodes_come_into_two_units_and_back(phone):
    hand = Hand(phone)
    hand.click("nav a[href='/nodes/']")
    hand.click("main a[href^='/labels/assign/']")
    expect(phone.locator("#lines")).to_be_focused()
    phone.fill("#key", "zone1")
    phone.fill("#lines", "node0=a\nnode1=a\nnode2=b")
    hand.click("button[value=preview]")
    hand.click("button[value=confirm]")
    phone.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    assert hand.clicks <= 6
    toast = phone.locator("#toasts .note.success")
    expect(toast).to_be_visible()
    expect(toast.locator("a.button")).to_have_text("撤销 …")
    expect(phone.locator("#live tbody .s-done")).to_have_count(3)
    before = phone.url
    toast.locator("a.button").click()
    phone.wait_for_url(before + "undo/")
    phone.click("main form button.main")
    phone.wait_for_url(lambda url: re.search(r"/jobs/[0-9a-f-]{36}/$", url) and url != before)
    expect(phone.locator("#live tbody .s-done")).to_have_count(3)


def test_the_board_is_used_by_keys(phone, sites):
    phone.goto(f"{sites.url}/labels/assign/?key=zone9")
    phone.focus("[data-node=node0]")
    phone.keyboard.press("Space")
    phone.fill("[data-new]", "a")
    phone.press("[data-new]", "Enter")
    assert phone.input_value("#lines") == "node0=a"


def test_who_changed_a_site_is_seen_from_the_first_page(phone, sites):
    hand = Hand(phone)
    unit = "beijing-01"
    column = phone.locator(f".heat .cells > a[href*='unit={unit}']")
    column.click(position={"x": 4, "y": 2})  # in the first row, its nodes
    hand.clicks += 1
    hand.click("main .head a[href^='/activity/']")
    assert hand.clicks <= 2
    expect(phone).to_have_url(re.compile(rf"/activity/\?.*unit={unit}"))
    body = json.dumps({"units": [unit]}).encode()
    assert sites.door.ask("POST", "deploymentgrids/default/shop-frontend/restart", body)[0] == 200
    expect(phone.locator("#live tbody")).to_contain_text(sites.told("User"))
    expect(phone.locator("#live tbody")).to_contain_text("deploymentgrids/default/shop-frontend")


def test_a_grid_is_rolled_back_from_its_page(phone, sites):
    path = "deploymentgrids/default/pos-sync"
    before = sites.door.get(path)["spec"]
    changed = json.dumps({"image": "registry.example/other:2", "container": "sync"}).encode()
    assert sites.door.ask("POST", f"{path}/image", changed)[0] == 200
    assert sites.door.get(path)["spec"] != before
    phone.goto(f"{sites.url}/grids/{path}/")
    hand = Hand(phone)
    hand.click("a[href$='/revisions/']")
    hand.click("#live article button[value=preview]")
    hand.click("button[value=save]")
    phone.wait_for_url(re.compile(rf"/grids/{path}/$"))
    assert hand.clicks <= 3
    assert sites.door.get(path)["spec"] == before
