"""The administration site: for the role admin alone; it shows rows and changes none, and it manages people."""

import re

import pytest
from django.contrib import admin as site
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from sgportal.models import ApiToken, AuditEvent

from ... import builders
from ..conftest import browser

# Django's flags, which count for nothing beside the role.
FLAGS = [{}, {"is_staff": True}]
EVERY = ("/admin/", "/admin/auth/user/", "/admin/auth/user/add/", "/admin/jsi18n/", "/admin/sgportal/")


def ours():
    site.autodiscover()  # as the addresses do, which no test has asked for yet
    return [model._meta.model_name for model in site.site._registry if model._meta.app_label == "sgportal"]


def addresses():
    yield from EVERY
    for name in ours():
        yield f"/admin/sgportal/{name}/"
    yield "/admin/sgportal/gridunit/node-units/"


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("role", ["", "viewer", "operator", "admin"])
def test_the_role_opens_it_and_nothing_else_does(fleet, role, flags):
    person = builders.a_person("sue", role)
    User.objects.filter(pk=person.pk).update(**flags)
    client = Client()
    client.force_login(person)
    for address in addresses():
        answer = client.get(address, follow=True)
        assert answer.status_code == (200 if role == "admin" else 403), address
    if role != "admin":
        before = list(User.objects.values())
        for address in ("/admin/auth/user/add/", f"/admin/auth/user/{person.pk}/change/"):
            client.post(address, {"username": "x", "role": "admin", "is_superuser": "on"})
        assert list(User.objects.values()) == before


def test_permissions_of_djangos_own_open_nothing(fleet):
    person = builders.a_person("sue", "operator")
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(person)
    for address in addresses():
        assert client.get(address, follow=True).status_code == 403, address


def test_strangers_are_sent_to_the_portals_own_log_in(db):
    builders.a_person("ada", "admin")
    client = Client()
    page = client.get("/admin/auth/user/", follow=True)
    assert page.redirect_chain == [("/admin/login/?next=/admin/auth/user/", 302)]
    assert 'action="/preferences/"' in page.content.decode()
    data = {"username": "ada", "password": builders.PASSWORD, "next": "/admin/auth/user/"}
    assert client.post("/admin/login/", data)["Location"] == "/admin/auth/user/"


def test_its_forms_for_passwords_are_the_portals(admin):
    assert admin.get("/admin/password_change/")["Location"] == "/profile/password/"
    assert admin.post("/admin/password_change/", {"old_password": "x"}).status_code == 302
    assert admin.get("/admin/logout/").status_code == 405
    assert admin.post("/admin/logout/")["Location"] == "/login/"


def test_pods_per_node_unit(admin, fleet):
    text = admin.get("/admin/sgportal/gridunit/node-units/").content.decode()
    assert "<caption>site</caption>" in text
    assert "ham" in text
    assert "node-units" in admin.get("/admin/sgportal/gridunit/").content.decode()


@pytest.mark.parametrize("model", [each for each in ours() if each != "grant"])
def test_nothing_can_be_added(admin, model):
    assert admin.get(f"/admin/sgportal/{model}/add/").status_code == 403


def test_a_row_can_be_looked_at_and_not_changed(admin, fleet):
    place = f"/admin/sgportal/grid/{fleet.pk}/change/"
    assert admin.get(place).status_code == 200
    assert admin.post(place, {"name": "x"}).status_code == 403
    assert admin.post(f"/admin/sgportal/grid/{fleet.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_digest_of_a_token_is_not_shown(admin):
    token, _ = ApiToken.issue(builders.a_person("bo"), "ci")
    assert token.digest not in admin.get(f"/admin/sgportal/apitoken/{token.pk}/change/").content.decode()


@pytest.mark.parametrize("several", [False, True])
def test_a_token_of_somebody_is_taken_back_and_that_is_noted(admin, several):
    token, _ = ApiToken.issue(builders.a_person("bo", "operator"), "ci", "write")
    if several:
        data = {"action": "delete_selected", "_selected_action": token.pk, "post": "yes"}
        admin.post("/admin/sgportal/apitoken/", data)
    else:
        admin.post(f"/admin/sgportal/apitoken/{token.pk}/delete/", {"post": "yes"})
    assert not ApiToken.objects.exists()
    entry = AuditEvent.objects.get(verb="token-revoked")
    assert (entry.actor, entry.door, entry.path) == ("some-admin", "admin", f"users/bo/tokens/{token.prefix}")
    assert entry.before["scope"] == "write"


# People

NEW = "a long new password 7"


def add(client, name="bo", **fields):
    data = {"username": name, "usable_password": "true", "password1": NEW, "password2": NEW, "role": "operator"}
    return client.post("/admin/auth/user/add/", {**data, **fields})


def test_a_person_is_made_with_a_role_and_logs_in(admin):
    assert add(admin).status_code == 302
    bo = User.objects.get(username="bo")
    assert list(bo.groups.values_list("name", flat=True)) == ["operator"]
    assert (bo.is_staff, bo.is_superuser) == (False, False)
    client = Client()
    assert client.post("/login/", {"username": "bo", "password": NEW}).status_code == 302
    assert client.get("/grids/new/").status_code == 200
    entry = AuditEvent.objects.get(verb="user-created")
    assert (entry.kind, entry.actor, entry.path, entry.before) == ("access", "some-admin", "users/bo", None)
    assert entry.after == {"username": "bo", "role": "operator", "active": True, "email": ""}
    assert NEW not in str(AuditEvent.objects.values())


def test_a_weak_password_is_refused(admin):
    assert "errorlist" in add(admin, password1="password", password2="password").content.decode()
    assert not User.objects.filter(username="bo").exists()


def test_the_form_gives_no_rights_of_djangos_own(admin):
    add(admin)
    bo = User.objects.get(username="bo")
    page = f"/admin/auth/user/{bo.pk}/change/"
    text = admin.get(page).content.decode()
    for name in ("is_superuser", "is_staff", "user_permissions", "groups"):
        assert f'name="{name}"' not in text
    admin.post(page, {"username": "bo", "role": "viewer", "is_active": "on", "is_superuser": "on", "is_staff": "on"})
    bo.refresh_from_db()
    assert (bo.is_staff, bo.is_superuser) == (False, False)
    entry = AuditEvent.objects.get(verb="user-changed")
    assert (entry.before["role"], entry.after["role"]) == ("operator", "viewer")


def test_a_superuser_given_a_lesser_role_is_no_superuser(admin):
    root = User.objects.create_superuser("root", password=builders.PASSWORD)
    page = f"/admin/auth/user/{root.pk}/change/"
    admin.post(page, {"username": "root", "role": "admin", "is_active": "on"})
    assert User.objects.get(username="root").is_superuser, "nothing was changed"
    admin.post(page, {"username": "root", "role": "viewer", "is_active": "on"})
    assert not User.objects.get(username="root").is_superuser


def test_nobody_takes_their_own_role_or_account_away(admin):
    me = User.objects.get(username="some-admin")
    page = f"/admin/auth/user/{me.pk}/change/"
    assert admin.post(page, {"username": "some-admin", "role": "viewer", "email": "me@example.com"}).status_code == 302
    me.refresh_from_db()
    assert me.email == "me@example.com"
    assert me.is_active
    assert list(me.groups.values_list("name", flat=True)) == ["admin"]
    assert admin.post(f"/admin/auth/user/{me.pk}/delete/", {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": me.pk, "post": "yes"}
    admin.post("/admin/auth/user/", data)
    assert User.objects.filter(pk=me.pk).exists()
    assert admin.get(f"/admin/auth/user/{me.pk}/password/")["Location"] == "/profile/password/"


def test_other_groups_of_a_person_stay(admin):
    bo = builders.a_person("bo", "viewer")
    bo.groups.add(Group.objects.create(name="football"))
    admin.post(f"/admin/auth/user/{bo.pk}/change/", {"username": "bo", "role": "", "is_active": "on"})
    assert list(bo.groups.values_list("name", flat=True)) == ["football"]


def test_a_password_that_is_set_and_a_person_who_is_removed_are_noted(admin):
    bo = builders.a_person("bo", "viewer")
    data = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": "1"}
    admin.post(f"/admin/auth/user/{bo.pk}/password/", {**data, "password2": "other"})
    assert not AuditEvent.objects.exists()
    admin.post(f"/admin/auth/user/{bo.pk}/password/", data)
    admin.post(f"/admin/auth/user/{bo.pk}/delete/", {"post": "yes"})
    assert set(AuditEvent.objects.values_list("verb", "path")) == {
        ("password-reset", "users/bo"),
        ("user-deleted", "users/bo"),
    }
    assert not User.objects.filter(username="bo").exists()


def test_the_list_shows_roles_with_few_queries(admin, django_assert_max_num_queries):
    for number in range(20):
        builders.a_person(f"p{number}", "operator")
    with django_assert_max_num_queries(12):
        text = admin.get("/admin/auth/user/").content.decode()
    assert len(re.findall(r'field-role">operator<', text)) == 20


def test_the_menu_leads_there_whoever_is_admin(admin, operator):
    assert 'href="/admin/"' in admin.get("/").content.decode()
    assert 'href="/admin/"' not in operator.get("/").content.decode()
    assert browser("viewer").get("/admin/", follow=True).status_code == 403
