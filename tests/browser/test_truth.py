"""A page tells the truth about itself: a lost server and a deleted thing show within five seconds, and what came back
shows by itself."""

import json
import os
import signal
import time

import pytest

from tests.ops.install import demos
from tests.services import in_time

from .conftest import visiting

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SOON = 7  # seconds: five, and two for the browser
GRID = {
    "apiVersion": "superedge.io/v1",
    "kind": "DeploymentGrid",
    "metadata": {"name": "short-lived", "namespace": "default"},
    "spec": {
        "gridUniqKey": "site",
        "template": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "m", "image": "m:1"}]}},
        },
    },
}
PAGE = "/grids/deploymentgrids/default/short-lived/"


@pytest.fixture
def visit(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        yield visit


def live(page):
    expect(page.locator("#live-badge")).to_have_attribute("data-state", "live")


def make(demo):
    assert demo.door.ask("POST", "deploymentgrids", json.dumps(GRID).encode())[0] in (201, 409)


def test_a_server_that_hangs_is_said_across_the_page_and_stops_its_writes(visit, sites):
    make(sites)
    page = visit.open(PAGE + "delete/")
    live(page)
    confirm = page.locator("#main form[method=post] button").last
    expect(confirm).to_be_enabled()
    os.kill(sites.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        expect(page.locator("#connection")).to_be_visible()
        assert in_time(time.monotonic() - began, SOON)
        expect(confirm).to_be_disabled()
        visit.shot("connection-lost")
        page.evaluate("document.querySelector('#main form[method=post]').requestSubmit()")
        assert page.url.endswith(PAGE + "delete/")
        assert "repeating-linear-gradient" in page.evaluate(
            "getComputedStyle(document.getElementById('main')).backgroundImage"
        )
    finally:
        os.kill(sites.process.pid, signal.SIGCONT)
    expect(page.locator("#connection")).to_be_hidden()
    expect(confirm).to_be_enabled()
    visit.complaints.clear()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_grid_that_is_deleted_elsewhere_is_shown_as_deleted_and_can_be_restored(chromium, sites, somebody, language):
    make(sites)
    with visiting(chromium, sites, state=somebody, language=language) as visit:
        page = visit.open(PAGE)
        live(page)
        path = "deploymentgrids/default/short-lived"
        _, _, headers = sites.door.ask("GET", path)
        assert sites.door.ask("DELETE", path, **{"If-Match": headers["ETag"]})[0] == 202
        gone = page.locator("#gone .note")
        expect(gone).to_be_visible()  # its children go first
        expect(page.locator("#facts")).to_have_count(0)
        visit.shot(f"deleted-{language}")
        page.locator("#gone button.main").click()
        page.locator("button[value=save]").click()
        expect(page).to_have_url(f"{visit.url}{PAGE}?follow=1")
        visit.complaints.clear()


def test_a_server_that_was_killed_and_started_again_is_found_again(chromium, tmp_path):
    with demos.running(tmp_path / "state", DEMO_WORLD="sites") as demo:
        port = demo.url.rpartition(":")[2]
        with visiting(chromium, demo) as visit:
            page = visit.open("/")
            live(page)
            demo.process.kill()
            began = time.monotonic()
            expect(page.locator("#connection")).to_be_visible()
            assert in_time(time.monotonic() - began, SOON)
            demo.process.wait()
            with demos.running(tmp_path / "state", DEMO_WORLD="sites", PORT=port):
                expect(page.locator("#connection")).to_be_hidden()
                live(page)
                visit.complaints.clear()
                page.context.close()
