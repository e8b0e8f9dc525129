"""Who may open what: the page hides it, the server refuses it."""

import pytest
from django.test import Client
from django.urls import URLPattern

from sgportal.dashboard.urls import urlpatterns
from sgportal.models import AuditEvent, Grid

from .. import builders
from .addresses import AUDIT, GRID, READABLE, WRITABLE, more
from .conftest import browser

OPEN = {"login", "login-code", "logout", "oidc-begin", "oidc-end", "preferences"}
WRITES = (
    "/labels/",
    "/labels/anything/",
    "/labels/assign/",
    "/grids/check/",
    "/grids/new/",
    GRID + "edit/",
    GRID + "delete/",
    GRID + "templates/",
    GRID + "undo/anything/",
    GRID + "units/lyo/recreate/",
    "/servicegroups/default/shop/edit/",
    "/servicegroups/default/shop/delete/",
)


def test_every_view_says_whom_it_needs():
    named = [each for each in urlpatterns if isinstance(each, URLPattern)]
    assert {each.name for each in named if not hasattr(each.callback, "needs")} == OPEN


@pytest.mark.parametrize(("role", "allowed"), [("", ""), ("viewer", "r"), ("operator", "rw"), ("admin", "rwa")])
def test_roles_against_pages(fleet, role, allowed):
    client = browser(role)
    job, entry = more()
    for letter, addresses in (("r", (*READABLE, job)), ("w", WRITABLE), ("a", (*AUDIT, entry))):
        for address in addresses:
            assert client.get(address).status_code == (200 if letter in allowed else 403), address


@pytest.mark.parametrize("role", ["", "viewer"])
def test_nobody_writes_without_the_role(fleet, role):
    client = browser(role)
    before = list(Grid.objects.values())
    job, _ = more()
    for address in (*WRITES, job + "undo/"):
        assert client.post(address, {"step": "confirm"}).status_code == 403, address
    assert list(Grid.objects.values()) == before
    assert not AuditEvent.objects.exclude(path="x").exists()


def test_strangers_write_nothing(fleet):
    for address in WRITES:
        assert Client().post(address).status_code == 302, address


def test_what_one_may_not_do_is_not_offered(viewer, operator, fleet):
    for address in (
        "/",
        "/grids/",
        GRID,
        GRID + "units/lyo/",
        GRID + "revisions/",
        "/nodes/",
        "/nodes/node0/",
        "/servicegroups/",
    ):
        theirs, ours = viewer.get(address).content.decode(), operator.get(address).content.decode()
        for offer in ("New grid", "Change labels", ">Edit<", ">Delete<", ">Recreate<", "/audit/"):
            assert offer not in theirs, (address, offer)
        assert "/audit/" not in ours


def test_a_form_without_its_token_is_refused(fleet):
    client = Client(enforce_csrf_checks=True)
    client.force_login(builders.a_person("oli", "operator"))
    answer = client.post(GRID + "delete/", {"step": "confirm"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
