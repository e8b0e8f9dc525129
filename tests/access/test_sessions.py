"""A person's sessions: listed with where they began, and ended one by one."""

import re

import pytest
from django.test import Client

from sgportal.models import AuditEvent
from tests import builders

pytestmark = pytest.mark.django_db


def log_in(name: str, agent: str) -> Client:
    client = Client(headers={"host": "localhost", "User-Agent": agent})
    assert client.post("/login/", {"username": name, "password": builders.PASSWORD}).status_code == 302
    return client


def ways_to_end(client: Client) -> list[str]:
    return re.findall(r'action="(/profile/sessions/[^"]+)"', client.get("/profile/").text)


def test_ones_sessions_are_listed_and_another_ended():
    builders.a_person("sam", "viewer")
    here, there = log_in("sam", "Browser <here>"), log_in("sam", "Browser there")
    page = here.get("/profile/").text
    assert "Browser &lt;here&gt;" in page
    assert "Browser there" in page
    assert "127.0.0.1" in page
    (way,) = ways_to_end(here)  # not for the session that one looks with
    assert here.session.session_key not in page
    assert there.session.session_key not in page
    assert here.post(way).status_code == 302
    assert there.get("/profile/").status_code == 302
    assert here.get("/profile/").status_code == 200
    assert AuditEvent.objects.filter(verb="session-ended", actor="sam").count() == 1
    assert here.post(way).status_code == 404


def test_nobody_sees_or_ends_the_sessions_of_another():
    builders.a_person("sam", "viewer")
    builders.a_person("ada")
    theirs, mine = log_in("sam", "Browser of sam"), log_in("ada", "Browser of ada")
    log_in("sam", "Second of sam")
    (way,) = ways_to_end(theirs)
    assert "Browser of sam" not in mine.get("/profile/").text
    assert mine.post(way).status_code == 404
    assert mine.get(way).status_code == 405


@pytest.mark.parametrize(
    ("agent", "short"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
         "Edge 139 · Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 · Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1",
         "Safari 18 · iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36 MicroMessenger/8.0.60",
         "WeChat 8 · Android"),
        ("curl/8.5", ""),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_short(agent: str, short: str):
    builders.a_person("sam", "viewer")
    page = log_in("sam", agent).get("/profile/").text
    assert agent in page
    assert (short in page) if short else ("–" in page)
