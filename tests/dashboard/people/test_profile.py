"""API tokens on a person's own page."""

import re

from django.test import Client

from sgportal.models import ApiToken, AuditEvent

from ... import builders
from ..conftest import browser


def test_a_token_is_shown_once_and_works(operator):
    page = operator.post(
        "/profile/tokens/", {"name": "ci", "scope": "write", "days": "30"}, follow=True
    ).content.decode()
    text = re.search(r'id="token">([^<]+)<', page)[1]
    token = ApiToken.find(text)
    assert (token.name, token.scope, token.user.username) == ("ci", "write", "some-operator")
    assert text not in operator.get("/profile/").content.decode()


def test_a_token_can_be_taken_back(operator):
    token, _ = ApiToken.issue(ApiToken._meta.get_field("user").related_model.objects.get(), "ci")
    operator.post(f"/profile/tokens/{token.pk}/revoke/")
    assert not ApiToken.objects.exists()


def test_nobody_takes_back_what_is_not_theirs(operator, db):
    token, _ = ApiToken.issue(builders.a_person("bo"), "of bo")
    assert operator.post(f"/profile/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.exists()
    assert "of bo" not in operator.get("/profile/").content.decode()


def test_odd_wishes_make_no_token(operator):
    for wish in ({"name": ""}, {"name": "x", "scope": "root"}, {"name": "x", "days": "9999"}):
        operator.post("/profile/tokens/", {"scope": "read", "days": "30", **wish})
    assert not ApiToken.objects.exists()


def test_a_viewer_gets_no_token_that_may_write(db):
    viewer = browser("viewer")
    assert "read and write" not in viewer.get("/profile/").content.decode()
    viewer.post("/profile/tokens/", {"name": "x", "scope": "write", "days": "30"})
    assert not ApiToken.objects.filter(scope="write").exists()


def test_tokens_leave_entries_in_the_audit_trail(operator):
    operator.post("/profile/tokens/", {"name": "ci", "scope": "write", "days": "30"})
    operator.post(f"/profile/tokens/{ApiToken.objects.get().pk}/revoke/")
    found = AuditEvent.objects.order_by("pk").values_list("kind", "actor", "verb", "door")
    assert list(found) == [
        ("access", "some-operator", "token-issued", "page"),
        ("access", "some-operator", "token-revoked", "page"),
    ]


# One's own password

NEW = "another long password 7"


def change(client, old=builders.PASSWORD, new=NEW, again=NEW):
    data = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post("/profile/password/", data)


def test_a_password_is_changed_with_the_old_one_only(operator):
    assert change(operator, old="wrong").status_code == 200
    assert change(operator, again="something else").status_code == 200
    assert "too common" in change(operator, new="password", again="password").content.decode()
    assert change(operator)["Location"] == "/profile/"
    data = {"username": "some-operator"}
    assert Client().post("/login/", {**data, "password": builders.PASSWORD}).status_code == 200
    assert Client().post("/login/", {**data, "password": NEW}).status_code == 302
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert verbs == {"login-failed", "password-changed", "log-in"}


def test_the_old_password_cannot_be_guessed_in_a_session_left_open(operator):
    for _ in range(5):
        assert change(operator, old="wrong").status_code == 200
    answer = change(operator)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Too many attempts" in answer.content.decode()
    assert Client().post("/login/", {"username": "some-operator", "password": NEW}).status_code == 429


def test_the_page_names_each_problem_at_its_field(operator):
    page = change(operator, old="wrong", again="other").content.decode()
    assert re.search(r'id="id_old_password"[^>]*aria-invalid="true"\s+aria-describedby="id_old_password-about"', page)
    assert re.search(r'id="id_new_password2"[^>]*aria-invalid="true"', page)
    assert 'autocomplete="current-password"' in page
    assert NEW not in page
