"""Who came and went is in the audit trail, apart from changes, with the address that the brake counts."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sgportal.core.text import say
from sgportal.models import Approval, AuditEvent, Grant, GridEvent
from tests import builders

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


def _happened(path, key, unit, **more):
    spec = {"spec": {"gridUniqKey": key, "template": f"secret-of-{key}"}}
    AuditEvent.objects.create(actor="bo", door="rest", verb="change", path=path, before=spec, after=spec, **more)
    when = {name: more["at"] for name in ("first_at", "last_at") if more}
    GridEvent.objects.create(path=path, unit=unit, reason="Created", message=say(f"{unit} is made").to_json(), **when)
    Approval.objects.create(
        actor="bo",
        action="delete",
        path=path,
        plan="p",
        shown=[{"path": f"echo-{unit}"}],
        expires_at=timezone.now() + timedelta(hours=1),
        **({"asked_at": more["at"]} if more else {}),
    )


@pytest.mark.parametrize("namespaces", ["home", ""])
@pytest.mark.parametrize("earlier", ["another grid of that name", "another NodeGroup of the same grid"])
def test_who_takes_a_name_learns_nothing_of_the_grid_that_had_it(db, earlier, namespaces):
    """Whoever is limited to a NodeGroup made a grid of the name of one of another's, and read what was in that."""
    path = "deploymentgrids/home/echo"
    if earlier.startswith("another grid"):
        _happened(path, "hidden-key", "hidden-unit", at=timezone.now() - timedelta(minutes=1))
    builders.a_grid("echo", "site", "home")
    if not earlier.startswith("another grid"):
        change = {"before": {"spec": {"gridUniqKey": "hidden-key"}}, "after": {"spec": {"gridUniqKey": "site"}}}
        AuditEvent.objects.create(actor="bo", door="rest", verb="change", path=path, **change)
    _happened(path, "site", "ham")
    for place in ("nodes/node0", "nodes", "labeljobs/1", "servicegroups/home/hidden-pack"):
        AuditEvent.objects.create(actor="bo", door="rest", verb="change", path=place)
    builders.news()
    sam = builders.a_person("sam", "")
    Grant.objects.create(user=sam, role="viewer", namespaces=namespaces, key="site")
    of_site, of_all = Client(), Client()
    of_site.force_login(sam)
    of_all.force_login(builders.a_person("vic", "viewer"))
    told = {"": "", "all": ""}
    for address in ("/activity/", "/activity/?format=csv", "/approvals/", f"/grids/{path}/", f"/grids/{path}/events/",
                    f"/api/v1/{path}/events", "/api/v1/activity", "/api/v1/approvals", "/api/v1/audit"):  # fmt: skip
        told[""] += of_site.get(address).content.decode()
        told["all"] += of_all.get(address).content.decode()
    assert "ham is made" in told[""]
    assert "ham is made" in told["all"]
    assert "hidden-" in told["all"]
    assert "hidden-" not in told[""]
