"""Who came and went is in the audit trail, apart from changes, with the address that the brake counts."""

import pytest
from django.test import Client

from sgportal.models import AuditEvent

from .conftest import FORMS, RIGHT, attempt, fail


def entries():
    rows = AuditEvent.objects.order_by("pk")
    return list(rows.values_list("kind", "actor", "verb", "path", "address", "door"))


def of(verb, actor="ada", address="203.0.113.9"):
    return ("access", actor, verb, f"users/{actor}", address, "page")


@pytest.mark.parametrize("form", FORMS)
def test_every_attempt_leaves_an_entry_and_a_refusal_one_in_all(ada, form):
    fail(8, form=form)
    assert entries() == [of("login-failed")] * 5 + [of("login-refused")]


@pytest.mark.parametrize(("enter", "leave"), [("/login/", "/logout/"), ("/admin/login/", "/admin/logout/")])
def test_coming_and_going_leave_entries(ada, enter, leave):
    browser = Client()
    attempt(password=RIGHT, client=browser, form=enter)
    browser.post(leave, REMOTE_ADDR="203.0.113.9")
    browser.post(leave, REMOTE_ADDR="203.0.113.9")
    assert entries() == [of("log-in"), of("log-out")]


def test_a_name_nobody_has_is_noted_as_it_was_typed(db):
    attempt("nobody\0")
    attempt("x" * 150)
    assert [each[1] for each in entries()] == ["x" * 150]


def test_the_page_shows_changes_and_people_apart(ada):
    AuditEvent.objects.create(actor="bo", door="rest", verb="change", path="deploymentgrids/default/echo")
    browser = Client()
    attempt(password=RIGHT, client=browser)
    changes, people = (browser.get(page).content.decode() for page in ("/audit/", "/audit/?kind=access"))
    assert "deploymentgrids/default/echo" in changes
    assert "users/ada" not in changes
    assert "users/ada" in people
    assert "203.0.113.9" in people
    assert "deploymentgrids/default/echo" not in people
    assert browser.get("/audit/?kind=nonsense").status_code == 200
    assert "users/ada" in browser.get("/audit/?kind=access&search=203.0.113").content.decode()


def test_rest_tells_them_apart(ada):
    AuditEvent.objects.create(actor="bo", door="rest", verb="change", path="x")
    browser = Client()
    attempt(password=RIGHT, client=browser)
    for kind, verbs in (("change", ["change"]), ("access", ["log-in"])):
        items = browser.get(f"/api/v1/audit?kind={kind}").json()["items"]
        assert [each["verb"] for each in items] == verbs
        assert {each["kind"] for each in items} == {kind}
    assert len(browser.get("/api/v1/audit").json()["items"]) == 2
    assert browser.get("/api/v1/audit?kind=x").status_code == 422
