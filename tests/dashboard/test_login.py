"""Log-in with its brake, log-out, and the choices that follow a person."""

from datetime import timedelta

import pytest
from django.test import Client

from sgportal.models import AuditEvent, Preference

from .. import builders

WRONG = {"username": "ada", "password": "wrong"}
RIGHT = {"username": "ada", "password": builders.PASSWORD}


@pytest.fixture
def ada(db):
    return builders.a_person("ada", "operator")


def fail(times, **extra):
    for _ in range(times):
        answer = Client(**extra).post("/login/", WRONG)
    return answer


def test_in_and_out(ada):
    client = Client()
    assert client.post("/login/?next=/nodes/", {**RIGHT, "next": "/nodes/"})["Location"] == "/nodes/"
    assert client.get("/").status_code == 200
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_no_way_out_to_others(ada, place):
    assert Client().post("/login/", {**RIGHT, "next": place})["Location"] == "/"
    assert Client().post("/preferences/", {"theme": "dark", "next": place})["Location"] == "/"


def test_a_wrong_password_says_so_and_is_noted(ada):
    assert "do not match" in fail(1).content.decode()
    assert AuditEvent.objects.get().verb == "login-failed"


def test_the_sixth_failure_within_five_minutes_waits(ada):
    assert fail(5).status_code == 200
    answer = fail(1)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300
    assert Client().post("/login/", RIGHT).status_code == 429, "guessing right does not help while one must wait"
    assert AuditEvent.objects.count() == 5


def test_the_brake_is_per_user_and_address(ada):
    builders.a_person("bo", "viewer")
    fail(6)
    assert Client().post("/login/", {**RIGHT, "username": "bo"}).status_code == 302
    assert Client(REMOTE_ADDR="10.0.0.9").post("/login/", RIGHT).status_code == 302


def test_after_five_minutes_one_may_try_again(ada):
    fail(6)
    for event in AuditEvent.objects.all():
        AuditEvent.objects.filter(pk=event.pk).update(at=event.at - timedelta(minutes=5))
    assert Client().post("/login/", RIGHT).status_code == 302


def test_success_does_not_count_as_failure(ada):
    for _ in range(7):
        assert Client().post("/login/", RIGHT).status_code == 302
    assert set(AuditEvent.objects.values_list("verb", flat=True)) == {"log-in"}


def test_parallel_guesses_count_too(ada):
    """Each attempt is noted before its password is looked at."""
    AuditEvent.objects.bulk_create(
        AuditEvent(actor="ada", door="page", verb="login-failed", path="login/127.0.0.1") for _ in range(5)
    )
    assert Client().post("/login/", RIGHT).status_code == 429


@pytest.mark.parametrize("name", ["", "\0", "x" * 9999, "华东"])
def test_odd_names_do_no_harm(db, name):
    assert Client().post("/login/", {"username": name, "password": "x"}).status_code == 200


def test_language_and_theme_before_log_in_by_cookie(db):
    client = Client()
    client.post("/preferences/", {"language": "zh-hans"})
    client.post("/preferences/", {"theme": "dark"})
    text = client.get("/login/").content.decode()
    assert 'lang="zh-hans"' in text
    assert 'data-theme="dark"' in text
    assert "登录" in text


def test_choices_follow_the_person_to_another_browser(ada):
    client = Client()
    client.force_login(ada)
    client.post("/preferences/", {"language": "zh-hans"})
    client.post("/preferences/", {"theme": "dark"})
    assert (ada.preference.language, ada.preference.theme) == ("zh-hans", "dark")
    other = Client()
    other.post("/login/", RIGHT)
    text = other.get("/").content.decode()
    assert 'lang="zh-hans"' in text
    assert 'data-theme="dark"' in text


def test_unknown_choices_change_nothing(ada):
    client = Client()
    client.force_login(ada)
    client.post("/preferences/", {"language": "tlh", "theme": "pink"})
    assert (Preference.objects.get().language, Preference.objects.get().theme) == ("", "auto")
    assert "theme" not in client.cookies
