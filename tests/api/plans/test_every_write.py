"""Every write that can touch children takes the id of a plan, over REST and on pages. One that is new is red here until
it takes one, or stands here with the reason why it cannot touch children."""

import pytest
from django.urls import URLPattern

from sgportal.dashboard.urls import urlpatterns as pages
from tests.api.test_people import addresses
from tests.dashboard.grids.test_unseen import BOUND

# Over REST: what cannot touch children, and why. The others take `plan`.
ELSEWHERE = {
    "tokens": "people and their tokens",
    "tokens/1": "people and their tokens",
    "service-tokens": "tokens of programs",
    "service-tokens/1": "tokens of programs",
    "grants": "roles of people",
    "grants/1": "roles of people",
    "notifications": "where notifications go",
    "notifications/1": "where notifications go",
    "notifications/1/test": "a message that says it is a test",
    "approvals/1": "an answer to who asked; the write that it is for has the plan",
    "saved-views": "what people keep at hand",
    "saved-views/1": "what people keep at hand",
    "favourites": "what people keep at hand",
    "favourites/1": "what people keep at hand",
    "pods/default/nothing/exec": "what a command in a container does no plan can say; the audit log has it",
    "cluster/crds": "definitions are replaced with every grid and child kept",
}

# On pages: by the name of the address, for everything that more than a viewer may open. What is here shows a plan.
HARMLESS = {
    "cluster-definitions": ELSEWHERE["cluster/crds"],
    "select": "notes in the session which nodes were chosen",
    "grid-check": "only says what a draft comes to",
    "demo-fault": "only in the demo: breaks its own cluster on purpose, and says so on the button",
    "notifications": "only shows",
    "notification-add": ELSEWHERE["notifications"],
    "notification-test": ELSEWHERE["notifications/1/test"],
    "notification-remove": ELSEWHERE["notifications"],
    "service-tokens": "only shows",
    "service-token-issue": ELSEWHERE["service-tokens"],
    "service-token-revoke": ELSEWHERE["service-tokens"],
    "approvals": "only shows",
    "approval-decide": ELSEWHERE["approvals/1"],
    "audit": "only shows",
    "audit-entry": "only shows",
}


@pytest.mark.parametrize(("path", "method", "view"), [each for each in addresses() if each.values[1] not in ("GET",)])
def test_every_write_over_rest_takes_a_plan_or_cannot_touch_children(path, method, view):
    takes = {each.name for each in getattr(getattr(view, method.lower()), "takes", None) or ()}
    if path.removeprefix("/api/v1/") in ELSEWHERE:
        assert "plan" not in takes
    else:
        assert takes >= {"plan", "dryRun"}, (method, path)


def test_every_page_that_writes_shows_a_plan_or_cannot_touch_children():
    named = {each.name: each.callback for each in pages if isinstance(each, URLPattern)}
    writing = {name for name, view in named.items() if getattr(view, "needs", "viewer") != "viewer"}
    assert writing == BOUND.keys() | HARMLESS.keys()
