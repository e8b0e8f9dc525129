"""A line of the log: one for each event, with what it belongs to, and without a secret."""

import json
import logging
import sys
import threading

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from sgportal.logs import bound, context
from sgportal.logs.json_lines import JsonLines
from sgportal.logs.lines import TextLines, without_secrets
from sgportal.logs.setup import configuration
from sgportal.models import ApiToken
from sgportal.reconciler.process import connection

HOSTILE = ["", "short", "x" * 65, "with blank in it", 'quo"te-quote', "line\nbreak-1", "ünïcode-id", "${jndi:ldap://x}"]


def record(text, *args, exc_info=None, **extra):
    made = logging.LogRecord("sgportal.x", logging.ERROR, __file__, 1, text, args, exc_info)
    made.__dict__.update(extra)
    return made


def failure():
    try:
        raise ValueError("two\nlines of sgp_abcdef_0123456789secret")
    except ValueError:
        return sys.exc_info()


def test_an_event_with_a_traceback_is_one_line_of_json():
    with bound(key="deploymentgrids/a/b", taskId="t-1", requestId=""):
        line = JsonLines().format(record("broke: %s", "a\nb", exc_info=failure()))
    assert "\n" not in line
    assert line.isascii()
    found = json.loads(line)
    assert found["message"] == "broke: a\nb"
    assert found["error"] == "ValueError"
    assert found["traceback"].startswith("Traceback (most recent call last):\n")
    assert (found["key"], found["taskId"]) == ("deploymentgrids/a/b", "t-1")
    assert "requestId" not in found
    assert "0123456789secret" not in line


def test_a_name_begins_no_line_of_its_own_for_people():
    line = TextLines("{levelname} {message}", style="{").format(record("not there: %s", "x\n2026 INFO forged\x1b[2J"))
    assert line == r"ERROR not there: x\n2026 INFO forged\x1b[2J"


def test_what_is_passed_beside_a_message_is_left_out():
    """Django passes the request, whose text has the query in it."""
    request = RequestFactory().get("/oidc/callback/?code=once-only")
    assert "once-only" not in JsonLines().format(record("Not Found", request=request, status_code=404))


@pytest.mark.parametrize(
    "secret",
    [
        "sgp_0a1b2c3d4e5f_THEsecretTHE",
        "Authorization: Bearer THEsecretTHE.abc",
        "postgresql://portal:THEsecretTHE@db:5432/portal",
        "redis://:THEsecretTHE@redis:6379/0",
        "https://oapi.dingtalk.com/robot/send?access_token=THEsecretTHE&x=1",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=THEsecretTHE",
        "GET /oidc/callback/?state=1&code=THEsecretTHE",
        "password=THEsecretTHE",
    ],
)
def test_what_looks_like_a_secret_is_masked(secret):
    assert "THEsecretTHE" not in without_secrets(f"before {secret} after")
    assert without_secrets(f"before {secret} after").startswith("before ")
    for lines in (JsonLines(), TextLines()):
        assert "THEsecretTHE" not in lines.format(record("before %s after", secret))


def test_what_is_no_secret_stays():
    text = "deploymentgrids/default/echo: HTTP 409 of https://10.0.0.1:6443/apis?labelSelector=app%3Decho in 12 ms"
    assert without_secrets(text) == text


@pytest.mark.parametrize("part", ["a", "1-", "token", "bearer ", "sgp_a-", "://a", "a://b"])
def test_a_long_text_is_gone_through_once(part):
    """Gone through anew from each of its letters, a path of 60,000 held the web process for two seconds."""
    text = part * (1_000_000 // len(part))
    assert without_secrets(text) == text


def test_an_id_that_is_well_formed_is_taken_and_given_back(client):
    assert client.get("/login/", headers={"X-Request-ID": "from-ingress.1"})["X-Request-Id"] == "from-ingress.1"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/login/", "/api/v1/me", "/nowhere", "/api/v1/nowhere", "/healthz"])
@pytest.mark.parametrize("given", HOSTILE)
def test_an_id_that_is_not_is_replaced(client, address, given):
    found = client.get(address, headers={"X-Request-ID": given})["X-Request-Id"]
    assert found != given
    assert len(found) == 32
    assert found.isalnum()


class Kept(logging.Handler):
    """What is logged, as lines of JSON."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []
        self.setFormatter(JsonLines())

    def emit(self, record):
        self.lines.append(self.format(record))

    @property
    def requests(self):
        found = map(json.loads, self.lines)
        return [each for each in found if each["logger"] == "sgportal.logs.requests"]


@pytest.fixture
def kept():
    handler, root = Kept(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.mark.django_db
def test_a_request_is_one_line_that_says_who_and_never_what_with(client, kept):
    user = User.objects.create_superuser("ada", password="THEpasswordTHE")
    _, token = ApiToken.issue(user, "t", "write")
    headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "request-1"}
    body = {"metadata": {"name": "THEbodyTHE"}}
    client.post("/api/v1/deploymentgrids?x=THEqueryTHE", body, "application/json", headers=headers)
    (line,) = kept.requests
    assert (line["requestId"], line["user"]) == ("request-1", "ada")
    assert line["message"].startswith("POST /api/v1/deploymentgrids 4")
    client.post("/login/", {"username": "ada", "password": "THEpasswordTHE"})
    assert [each.get("user") for each in kept.requests] == ["ada", "ada"]
    everything = "".join(kept.lines)
    for secret in (token, token.split("_", 2)[2], "THEbodyTHE", "THEqueryTHE", "THEpasswordTHE"):
        assert secret not in everything


@pytest.mark.django_db
def test_a_line_never_asks_the_database_who_it_is(django_assert_num_queries):
    asked = []
    request = RequestFactory().get("/")
    request.user = SimpleLazyObject(lambda: asked.append(1) or User(username="ada"))
    with context.within_request(request):
        assert "user" not in context.fields()
        assert asked == []
        assert request.user.username == "ada"
        assert context.fields()["user"] == "ada"


@pytest.mark.django_db
def test_what_nobody_foresaw_carries_its_traceback_and_its_request(kept, monkeypatch):
    from sgportal.api.people import views

    def broken(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr(views, "role", broken)
    user = User.objects.create_superuser("ada")
    client = Client(headers={"Authorization": f"Bearer {ApiToken.issue(user, 't')[1]}"})
    answer = client.get("/api/v1/me")
    (line,) = [each for each in map(json.loads, kept.lines) if "traceback" in each]
    assert answer.status_code == 500
    assert (line["requestId"], line["user"], line["error"]) == (answer.json()["requestId"], "ada", "RuntimeError")
    assert "boom" in line["traceback"]


def test_the_web_servers_own_log_of_requests_is_off():
    """It shows queries, and is no JSON."""
    loggers = configuration("json", "INFO")["loggers"]
    assert loggers["uvicorn.access"]["propagate"] is False
    assert loggers["uvicorn.error"] == {"handlers": [], "propagate": True}


def test_lines_of_other_threads_say_what_they_are_part_of():
    """Those of the threads that ask the API server had neither key nor request."""
    gate = threading.Barrier(2, timeout=75)

    def asked(name):
        gate.wait()
        return name, json.loads(JsonLines().format(record("slow: %s", name)))

    with bound(key="deploymentgrids/a/b", taskId="t-1", requestId="request-1"):
        found = connection.map_parallel(asked, ["node0", "node1"])
        alone = connection.submit(lambda: context.fields()).result()
    assert [name for name, _ in found] == ["node0", "node1"]
    for line in (alone, *(each for _, each in found)):
        assert (line["key"], line["taskId"], line["requestId"]) == ("deploymentgrids/a/b", "t-1", "request-1")
    assert "key" not in connection.submit(lambda: context.fields()).result()
