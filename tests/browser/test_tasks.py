"""What an operator does every day, by clicks, in Chinese on a phone."""

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
        self.page.click(selector)
        self.clicks += 1


@pytest.fixture
def phone(chromium, walkthrough):
    with visiting(chromium, walkthrough, language="zh-hans", width=400, height=800) as visit:
        yield visit.page


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
    expect(toast.locator("button").first).to_have_text("撤销")
    expect(phone.locator("#live tbody .s-done")).to_have_count(3)
    before = phone.url
    toast.locator("button").first.click()
    phone.wait_for_url(lambda url: "/jobs/" in url and url != before)
    expect(phone.locator("#live tbody .s-done")).to_have_count(3)


def test_the_board_is_used_without_dragging_and_by_dragging(phone, walkthrough):
    phone.goto(f"{walkthrough.url}/labels/assign/?key=zone9")
    phone.focus("[data-node=node0]")
    phone.keyboard.press("Space")
    phone.fill("[data-new]", "a")
    phone.press("[data-new]", "Enter")
    assert phone.input_value("#lines") == "node0=a"
    phone.drag_and_drop("[data-node=node1]", "[data-unit=a] .drop")
    assert phone.input_value("#lines").split("\n") == ["node0=a", "node1=a"]
    phone.fill("#lines", "far=x\nnode2=b")
    assert phone.locator("[data-unit=b] [data-node=node2]").count() == 1
    phone.focus("[data-node=node2]")
    phone.keyboard.press("Enter")
    phone.focus("[data-unit=''] [data-drop]")
    phone.keyboard.press("Enter")
    assert phone.input_value("#lines") == "far=x"
