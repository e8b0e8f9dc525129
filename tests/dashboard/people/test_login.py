"""Log-in, log-out, and the choices that follow a person (the brake: tests/access)."""

import pytest
from django.test import Client

from sgportal.models import Preference

from ... import builders

WRONG = {"username": "ada", "password": "wrong"}
RIGHT = {"username": "ada", "password": builders.PASSWORD}


@pytest.fixture
def ada(db):
    return builders.a_person("ada", "operator")


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


def test_a_wrong_password_says_so(ada):
    assert "do not match" in Client().post("/login/", WRONG).content.decode()


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
