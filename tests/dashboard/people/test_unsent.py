"""What a person meets where a form or a page could not be taken: an ended session, a stale form, a broken server."""

import asyncio

import pytest
from django.db import OperationalError
from django.test import Client

from sgportal.api import serving
from sgportal.dashboard.fleet import views

from ..conftest import browser

FORM = "http://localhost/nodes/?group=site"


def test_a_form_sent_without_a_session_leads_back_to_the_page_it_was_on(db):
    stranger = Client(headers={"host": "localhost"})
    answer = stranger.post("/demo/fault/", {"fault": "node"}, headers={"referer": FORM})
    assert answer["Location"] == "/login/?next=/nodes/%3Fgroup%3Dsite"
    for referer in ("", "https://elsewhere.example/nodes/", "javascript:alert(1)", "//elsewhere.example/"):
        answer = stranger.post("/demo/fault/", {"fault": "node"}, headers={"referer": referer})
        assert answer["Location"] == "/login/?next=/", "what only takes forms cannot be read after the log-in"


@pytest.mark.parametrize(("language", "said"), [("en", "your session has ended"), ("zh-hans", "会话已结束")])
def test_the_log_in_says_why_it_is_there(db, language, said):
    stranger = Client(headers={"host": "localhost"})
    stranger.cookies.load({"django_language": language})
    assert said in stranger.get("/login/?next=/nodes/").content.decode()
    assert said not in stranger.get("/login/?next=/").content.decode()


@pytest.mark.parametrize(("language", "said"), [("en", "This form has expired"), ("zh-hans", "表单已过期")])
def test_a_stale_form_says_so_and_leads_back(db, language, said):
    client = browser("operator", django_language=language)
    client.handler.enforce_csrf_checks = True
    answer = client.post("/grids/new/", {"step": "preview"})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert said in text
    assert f'<html lang="{language}"' in text
    assert "data-failed" in text
    assert "data-again" in text


@pytest.fixture
def broken(db, monkeypatch):
    """A browser of a viewer whom the first page answers with an error of this kind."""

    def break_with(error, **cookies):
        def fail(*_args):
            raise error

        client = browser("viewer", **cookies)
        client.raise_request_exception = False
        monkeypatch.setattr(views, "heat", fail)
        return client

    return break_with


@pytest.mark.parametrize(("language", "said"), [("en", "The database does not respond"), ("zh-hans", "数据库没有响应")])
def test_a_page_that_the_database_does_not_answer_says_so_and_asks_again(broken, language, said):
    answer = broken(OperationalError("database is locked"), django_language=language).get("/")
    assert (answer.status_code, answer["Refresh"]) == (503, "10")
    assert said in answer.content.decode()
    assert f'<html lang="{language}"' in answer.content.decode()


def test_an_error_of_ours_is_asked_for_again_by_a_wall_alone(broken):
    client = broken(ValueError("ours"))
    plain, wall = client.get("/"), client.get("/?kiosk=1")
    assert (plain.status_code, wall.status_code) == (500, 500)
    assert "Refresh" not in plain
    assert wall["Refresh"] == "10"


@pytest.mark.parametrize(
    ("path", "kind"), [("/grids/new/", "text/html"), ("/api/v1/apply", "application/problem+json")]
)
def test_a_body_that_is_too_large_is_refused_in_the_words_of_the_door(path, kind):
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", str(serving.MOST + 1).encode()), (b"accept-language", b"zh-hans")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    asyncio.run(serving.within_limits(None)(scope, None, send))
    assert sent[0]["status"] == 413
    assert dict(sent[0]["headers"])[b"content-type"].decode().startswith(kind)
    assert "1048576" in sent[1]["body"].decode()
