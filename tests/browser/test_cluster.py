"""SuperEdge's controller appears beside a running portal, and an administrator takes over: seen in a browser."""

import os
import re

import pytest

from sgportal.cluster import connect
from tests.reconciler.discovery.superedge_stand_in import SuperEdge

from .conftest import visiting

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def edge(sites, monkeypatch):
    """SuperEdge's controller in the demo's cluster, gone afterwards."""
    monkeypatch.setitem(os.environ, "SGPORTAL_DEMO_KUBECONFIG", str(sites.kubeconfig))
    cluster = connect("demo")
    edge = SuperEdge(cluster)
    yield edge
    cluster.delete("Deployment", "edge-system", "application-grid-controller")
    cluster.close()


def test_the_banner_comes_by_itself_and_an_administrator_takes_over(chromium, sites, somebody, edge):
    with visiting(chromium, sites, state=somebody) as visit:
        page = visit.open("/")
        assert page.locator("text=manages the grids.").count() == 0
        edge.start()
        page.wait_for_selector("text=SuperEdge's controller manages the grids.")
        visit.open("/grids/new/")
        page.click("text=Details")
        assert "--replicas=0" in page.inner_text("#cure-1")
        _accessible(page)
        page.click("text=Take over …")
        assert "Stop it first" in page.inner_text("[role=alert]")
        _accessible(page)
        edge.scale(0)
        _reload_until_clear(page)
        assert "No objects change and no pods restart." in page.inner_text("main")
        page.click("main button:has-text('Take over')")
        page.wait_for_selector("text=The portal manages the grids now.")
        assert page.locator("text=manages the grids.").count() == 0
        page.click("text=Hand back to SuperEdge …")
        page.click("main button:has-text('Hand back')")
        page.wait_for_selector("#next-1")
        assert "--replicas=1" in page.inner_text("#next-1")
        _accessible(page)
        visit.open("/cluster/takeover/")
        _reload_until_clear(page)
        page.click("main button:has-text('Take over')")
        page.wait_for_url(re.compile(r"/cluster/$"))


@pytest.mark.parametrize("width", [1440, 400])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_fits(chromium, sites, somebody, width, language):
    with visiting(chromium, sites, state=somebody, width=width, language=language) as visit:
        page = visit.open("/cluster/")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        _accessible(page)
        visit.shot(f"cluster-{language}-{width}", full_page=True)


def _reload_until_clear(page):
    """Each load asks the cluster anew."""
    for _ in range(40):
        page.reload()
        if page.locator("[role=alert]").count() == 0:
            return
        page.wait_for_timeout(250)
    raise AssertionError(page.inner_text("[role=alert]"))


def _accessible(page):
    assert axe.Axe().run(page, options=WCAG).response["violations"] == []
