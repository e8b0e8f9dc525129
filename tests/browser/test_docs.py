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
        left = {"get_overview": "unreachableSince", "get_cluster": "closedLoop", "post_apply": "gridUniqKey"}
        seen = set()
        for _ in range(400):  # of more than a hundred Swagger UI draws those in sight alone
            seen |= set(page.locator(".opblock").evaluate_all("all => all.map(each => each.id)"))
            for operation in [each for each in left if any(name.endswith(f"-{each}") for name in seen)]:
                block = page.locator(f"[id$='-{operation}']")
                block.locator("button").first.click()
                expect(block).to_contain_text(left.pop(operation))
                block.locator("button").first.click()
            if len(seen) == operations:
                break
            page.mouse.wheel(0, 500)
            page.wait_for_timeout(100)
        assert (len(seen), left) == (operations, {})
        assert page.locator(".errors-wrapper").count() == 0
        visit.shot("docs", full_page=True)
