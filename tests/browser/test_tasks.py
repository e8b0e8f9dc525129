"""What an operator does every day, by clicks, in both languages, at a desk and on a phone."""

import json
import re

import pytest

from tests.services import wait_for

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


PLACES = {f"{language}-{width}": (language, width) for language in ("en", "zh-hans") for width in (1440, 400)}


@pytest.fixture
def phone(chromium, sites, somebody):
    with visiting(chromium, sites, language="zh-hans", width=400, height=800, state=somebody) as visit:
        yield visit.open("/")


@pytest.fixture(params=PLACES)
def page(request, chromium, sites, somebody):
    language, width = PLACES[request.param]
    with visiting(chromium, sites, language=language, width=width, height=800, state=somebody) as visit:
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


def click_cell(hand, unit, path=""):
    """A site's cell in the heat map: that of a grid, or of its nodes."""
    column = hand.page.locator(f".heat .cells > a[href*='unit={unit}']")
    rows = hand.page.locator(".heat .rows li").evaluate_all("(all) => all.map((each) => each.innerHTML)")
    row = next(number for number, text in enumerate(rows) if f"/grids/{path}/" in text) if path else 0
    column.click(position={"x": 4, "y": column.bounding_box()["height"] / len(rows) * row + 4})
    hand.clicks += 1


def test_three_nodes_come_into_two_units(page, request):
    hand = Hand(page)
    hand.click("nav a[href='/nodes/']")
    hand.click("main a[href^='/labels/assign/']")
    page.fill("#key", f"zone-{request.node.callspec.id}")
    page.fill("#lines", "node0=a\nnode1=a\nnode2=b")
    hand.click("button[value=preview]")
    hand.click("button[value=confirm]")
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    assert hand.clicks <= 6
    expect(page.locator("#live tbody .s-done")).to_have_count(3)


def test_who_changed_a_site_is_seen_from_the_first_page(page, sites):
    hand = Hand(page)
    unit = "beijing-01"
    click_cell(hand, unit)
    hand.click("main .head a[href^='/activity/']")
    assert hand.clicks <= 2
    expect(page).to_have_url(re.compile(rf"/activity/\?.*unit={unit}"))
    body = json.dumps({"units": [unit]}).encode()
    assert sites.door.ask("POST", "deploymentgrids/default/shop-frontend/restart", body)[0] == 200
    expect(page.locator("#live tbody")).to_contain_text(sites.told("User"))
    expect(page.locator("#live tbody")).to_contain_text("deploymentgrids/default/shop-frontend")


def test_a_grid_is_rolled_back_from_the_first_page(page, sites):
    path = "deploymentgrids/default/pos-sync"
    before = sites.door.get(path)["spec"]
    changed = json.dumps({"image": "registry.example/other:2", "container": "sync"}).encode()
    assert sites.door.ask("POST", f"{path}/image", changed)[0] == 200
    # Else the plan changes while it is looked at.
    wait_for(lambda: sites.door.get(f"{path}/plan")["steps"] == [], 75, "the change is carried out")
    page.reload()
    hand = Hand(page)
    click_cell(hand, "beijing-01", path)
    hand.click(f"main .head a[href^='/grids/{path}/edit/?revision=']")
    hand.click("button[value=save]")
    page.wait_for_url(re.compile(rf"/grids/{path}/$"))
    assert hand.clicks <= 3
    assert sites.door.get(path)["spec"] == before


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


def find(hand, name):
    """From wherever one is to what has this name: one click, the rest is typed."""
    hand.click("[data-palette]")
    hand.page.keyboard.type(name)
    expect(hand.page.locator("#hits [role=option]").first).to_contain_text(name)
    hand.page.keyboard.press("Enter")


def test_why_a_site_is_unhealthy_is_seen_by_its_name(phone):
    hand = Hand(phone)
    find(hand, "wuhan-01")
    expect(phone.locator("#live .causes")).to_contain_text("ImagePullBackOff")
    assert hand.clicks <= 2


def test_unhealthy_sites_are_exported_with_what_ails_them(phone):
    hand = Hand(phone)
    hand.click(".totals .alarm a")
    phone.wait_for_url("**/matrix/?*unhealthy=1*")
    with phone.expect_download() as download:
        hand.click("main .export a[download]")
    assert hand.clicks <= 2
    text = download.value.path().read_text("utf-8-sig")
    assert "wuhan-01" in text
    assert "beijing-01" not in text
    assert "deploymentgrids/default/pos-sync: ImagePullBackOff" in text


def test_what_changed_within_the_hour_is_two_clicks_away(phone):
    hand = Hand(phone)
    hand.click("nav a[href='/activity/']")
    hand.click("main .head a[href*='since=']")
    phone.wait_for_url("**/activity/?*since=*")
    assert hand.clicks <= 2
    expect(phone.locator("#live tbody tr").first).to_be_visible()


def test_replicas_of_one_site_are_overridden_and_taken_back(phone, sites):
    path = "deploymentgrids/default/shop-frontend"
    before = sites.door.get(path)["spec"]
    hand = Hand(phone)
    phone.goto(f"{sites.url}/grids/{path}/units/hamburg-01/")
    hand.click("#live a[href*='/do/scale/']")
    phone.fill("#replicas", "3")
    phone.press("#replicas", "Enter")
    hand.click("button[value=confirm]")
    chip = phone.locator("#live .facts .chip")
    expect(chip).to_have_text("replicas 3")
    assert hand.clicks <= 2
    hand = Hand(phone)
    hand.click("#live a[href*='/do/reset/']")
    hand.click("button[value=preview]:not(.sr), button[value=confirm]")
    expect(chip).to_have_count(0)
    assert hand.clicks <= 2
    assert sites.door.get(path)["spec"] == before


def test_a_site_is_drained_for_maintenance_and_brought_back(phone):
    hand = Hand(phone)
    find(hand, "rotterdam-01")
    hand.click("main .head a[href*='action=drain']")
    hand.click("main form button.main")
    phone.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    assert hand.clicks <= 3
    expect(phone.locator("#live tbody .s-done")).to_have_count(2)
    hand = Hand(phone)
    find(hand, "rotterdam-01")
    expect(phone.locator("#live small").filter(has_text="已隔离").first).to_be_visible()
    hand.click("main .head a[href*='action=uncordon']")
    hand.click("main form button.main")
    phone.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    assert hand.clicks <= 3
    expect(phone.locator("#live tbody .s-done")).to_have_count(2)


def test_an_image_goes_to_one_site_first_and_on_once_it_is_approved(phone, sites):
    path = "deploymentgrids/default/shop-frontend"
    hand = Hand(phone)
    phone.goto(f"{sites.url}/grids/{path}/")
    hand.click("main .head a[href$='/do/image/']")
    phone.fill("#image", "registry.example/shop/frontend:9")
    hand.click("input[name=canary]")
    phone.press("#image", "Enter")
    hand.click("button[value=confirm]")
    phone.wait_for_url(f"**/grids/{path}/rollout/")
    hand.click("#live a[href*='rollout-approve']")
    hand.click("main form button.main")
    phone.wait_for_url(f"**/grids/{path}/rollout/")
    assert hand.clicks <= 5


def test_a_grid_with_its_service_is_made_and_followed_until_its_loop_is_closed(phone, sites):
    hand = Hand(phone)
    hand.click("main .head a.main")
    phone.fill("#f-name", "till")
    phone.fill("#f-image", "registry.example/till:1")
    phone.fill("#f-labels", "app=till")
    expect(phone.locator("#document")).to_have_value(re.compile("till:1"))
    hand.click("main .head button[value=preview]")
    hand.click("button[value=save]")
    hand.click("#follow a[href*='kind=ServiceGrid']")
    hand.click("main .head button[value=preview]")
    hand.click("button[value=save]")
    phone.wait_for_url("**/grids/servicegrids/default/till/?follow=1")
    assert hand.clicks <= 6
    expect(phone.locator("#follow [role=status]")).not_to_have_text("等待就绪")
    expect(phone.locator("#live")).to_contain_text("没有节点会到达其他 NodeUnit 的端点")
