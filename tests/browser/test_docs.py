"""The description of the REST API, as Swagger UI shows it: every operation, and every body resolved."""

import pytest
from playwright.sync_api import expect

from .conftest import visiting

pytestmark = pytest.mark.browser


def test_every_operation_is_shown_with_its_bodies(chromium, sites, somebody):
    with visiting(chromium, sites, state=somebody) as visit:
        page = visit.open("/api/docs/")
        described = visit.page.request.get(visit.url + "/api/v1/schema").json()
        operations = sum(len(methods) for methods in described["paths"].values())
        expect(page.locator(".opblock")).to_have_count(operations)
        shown = {"get_overview": "unreachableSince", "get_cluster": "closedLoop", "post_apply": "gridUniqKey"}
        for operation, field in shown.items():
            block = page.locator(f"[id$='-{operation}']")
            block.locator("button").first.click()
            expect(block).to_contain_text(field)
        assert page.locator(".errors-wrapper").count() == 0
        visit.shot("docs", full_page=True)
