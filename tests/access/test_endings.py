"""What ends with a password, a role, an account: tokens and sessions, whoever makes the change, and for good."""

import getpass
import re

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from sgportal.models import ApiToken, AuditEvent

from .. import builders
from .conftest import RIGHT, attempt

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "another long password 7"


@pytest.fixture
def olga():
    return builders.a_person("olga", "operator")


@pytest.fixture
def admin():
    client = Client()
    client.force_login(builders.a_person("root", "admin"))
    return client


def session(name="olga", password=RIGHT):
    client = Client()
    assert attempt(name, password, client=client).status_code == 302
    return client


def a_token(person, scope="write"):
    return ApiToken.issue(person, "test", scope)[1]


def opens(client):
    return client.get("/nodes/").status_code == 200


def works(text, method="get", path="/api/v1/nodes"):
    return getattr(Client(), method)(path, headers={"Authorization": f"Bearer {text}"}).status_code not in (401, 403)


def edit(admin, person, **changes):
    """The administration site's form of a person, as it is, with changes."""
    page = f"/admin/auth/user/{person.pk}/change/"
    fields = {"username": person.username, "role": next(iter(person.groups.values_list("name", flat=True)), "")}
    fields |= {"is_active": "on"} if person.is_active else {}
    sent = {key: value for key, value in {**fields, **changes}.items() if value is not None}
    answer = admin.post(page, sent)
    assert answer.status_code == 302, re.findall(r"errorlist[^>]*>.*?<", answer.content.decode())


def by_page(_olga, _admin):
    data = {"old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}
    assert session().post("/profile/password/", data)["Location"] == "/profile/"


def by_admin(olga, admin):
    data = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": "1"}
    assert admin.post(f"/admin/auth/user/{olga.pk}/password/", data).status_code == 302


def by_disabling(olga, admin):
    data = {"usable_password": "false", "password1": "", "password2": "", "unset-password": "1"}
    assert admin.post(f"/admin/auth/user/{olga.pk}/password/", data).status_code == 302
    olga.refresh_from_db()
    assert not olga.has_usable_password()


def by_command(_olga, _admin):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(getpass, "getpass", lambda *_, **__: NEW)
        call_command("changepassword", "olga", stdout=None)


def by_code(olga, _admin):
    olga.set_password(NEW)
    olga.save(update_fields=["password"])


@pytest.mark.parametrize("change", [by_page, by_admin, by_disabling, by_command, by_code])
def test_a_new_password_ends_tokens_and_the_other_sessions(olga, admin, change, capsys):
    text, browser = a_token(olga), session()
    other = a_token(builders.a_person("bo", "viewer"))
    assert works(text)
    assert opens(browser)
    change(olga, admin)
    assert not works(text)
    assert not opens(browser)
    assert works(other)
    assert AuditEvent.objects.get(verb="access-ended").after == {"why": "password", "tokens": 1}


def test_the_session_that_changed_the_password_goes_on(olga):
    browser = session()
    data = {"old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}
    assert "Password changed" in browser.post("/profile/password/", data, follow=True).content.decode()
    assert opens(browser)
    assert attempt("olga", NEW).status_code == 302


def test_a_password_hashed_anew_is_no_new_password(olga, settings):
    """Django does that at a log-in when it thinks of a better way to keep it."""
    text = a_token(olga)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    before = olga.password
    session()
    olga.refresh_from_db()
    assert olga.password != before
    assert works(text)


def demoted(olga, admin):
    edit(admin, olga, role="viewer")


def without_group(olga, _admin):
    olga.groups.remove(Group.objects.get(name="operator"))


def cleared(olga, _admin):
    olga.groups.clear()


def out_of_group(olga, _admin):
    Group.objects.get(name="operator").user_set.remove(olga)


def group_cleared(_olga, _admin):
    Group.objects.get(name="operator").user_set.clear()


def group_deleted(_olga, _admin):
    Group.objects.get(name="operator").delete()


def deactivated(olga, admin):
    edit(admin, olga, is_active=None)


@pytest.mark.parametrize(
    "lose", [demoted, without_group, cleared, out_of_group, group_cleared, group_deleted, deactivated]
)
def test_a_lost_role_ends_tokens_and_sessions_for_good(olga, admin, lose):
    text, browser = a_token(olga), session()
    lose(olga, admin)
    assert not works(text)
    assert not opens(browser)
    entry = AuditEvent.objects.get(verb="access-ended")
    assert entry.after == {"why": "role", "tokens": 1, "sessions": 1}
    olga.refresh_from_db()
    edit(admin, olga, role="operator", is_active="on") if Group.objects.filter(name="operator") else None
    assert not works(text), "the role is back, the token is not"
    assert not opens(browser)


def test_a_superuser_who_is_one_no_longer_loses_access():
    root = builders.a_person("su", "viewer")
    root.is_superuser = True
    root.save()
    text = a_token(root)
    assert works(text, path="/api/v1/audit")
    root.is_superuser = False
    root.save()
    assert not works(text)


def test_a_promotion_ends_nothing_and_lends_nothing(olga, admin):
    text, browser = a_token(olga), session()
    edit(admin, User.objects.get(username="root"), email="root@example.com")  # one's own form locks the role there only
    edit(admin, olga, role="admin")
    assert works(text)
    assert opens(browser)
    assert not works(text, path="/api/v1/audit"), "the token is an operator's still"
    assert works(a_token(olga), path="/api/v1/audit")


def test_other_changes_of_a_person_end_nothing(olga, admin):
    text, browser = a_token(olga), session()
    edit(admin, olga, email="olga@example.com", first_name="Olga")
    olga.groups.add(Group.objects.create(name="football"))
    olga.groups.remove(Group.objects.get(name="football"))
    assert works(text)
    assert opens(browser)
    assert not AuditEvent.objects.filter(verb="access-ended").exists()


def test_a_role_lost_behind_our_back_is_noticed_when_the_token_is_used(olga):
    """No signal is sent for a change by SQL."""
    text = a_token(olga)
    olga.groups.through.objects.filter(user=olga).delete()
    assert not works(text)
    olga.groups.add(Group.objects.get(name="operator"))
    assert not works(text)
    assert not ApiToken.objects.exists()


def test_a_person_who_is_deleted_takes_all_along(olga, admin):
    text, browser = a_token(olga), session()
    assert admin.post(f"/admin/auth/user/{olga.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not works(text)
    assert not opens(browser)
    assert not ApiToken.objects.filter(expires_at__gt=timezone.now()).exists()
