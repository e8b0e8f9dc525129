"""Health, metrics, documentation, and the web process itself: limits, streams, a clean end."""

import asyncio
import contextlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import timedelta
from io import BytesIO

import orjson
import pytest
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, OperationalError
from django.test import Client, RequestFactory
from django.utils import timezone

from sgportal import urls
from sgportal.api import serving
from sgportal.api.events import streams
from sgportal.api.probes import health
from sgportal.core.access.scope import EVERYTHING
from sgportal.models import Heartbeat, Journal
from sgportal.reconciler.endpoints.metrics import ControllerMetrics

from ...services import free_port, in_time, wait_for
from .. import builders
from ..conftest import Api

ROOT = builders.DATA.parent.parent


def test_a_process_that_answers_is_healthy():
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("allowed", [["portal.example"], [".example", "other"], ["*"]])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/", "/healthz/x"])
def test_probes_may_call_a_pod_by_its_address_and_nothing_else_may(settings, path, allowed):
    settings.ALLOWED_HOSTS = allowed
    seen = []

    async def application(scope, _receive, _send):
        seen.append(ASGIRequest({**scope, "method": "GET"}, BytesIO()))

    headers = [(b"host", b"10.0.0.7:8000"), (b"accept", b"text/plain")]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(serving.within_limits(application)(scope, None, None))
    assert seen[0].headers["Accept"] == "text/plain"
    if path in serving.PROBES or allowed == ["*"]:
        seen[0].get_host()
    else:
        with pytest.raises(DisallowedHost):
            seen[0].get_host()


@pytest.mark.django_db
def test_a_migrated_portal_is_ready_and_says_how_old_its_news_is():
    builders.heard(ago=300)
    Heartbeat.objects.create(kind="worker", name="w1")
    answer = Client().get("/readyz")
    checks = answer.json()["checks"]
    assert answer.status_code == 200
    assert checks["database"] == checks["migrations"] == "ok"
    assert checks["cluster"]["stale"] is True
    assert checks["processes"] == {"worker": 1, "watch": 0, "keeper": 0}


@pytest.mark.django_db
def test_without_migrations_a_portal_is_not_ready(monkeypatch):
    monkeypatch.setattr(health, "_is_migrated", lambda: False)
    assert Client().get("/readyz").status_code == 503


def test_without_a_database_a_portal_is_not_ready(monkeypatch):
    def away():
        raise DatabaseError("password is hunter2")

    monkeypatch.setattr(health, "_is_migrated", away)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert b"hunter2" not in answer.content


@pytest.mark.django_db
def test_metrics_count_what_there_is(as_, settings):
    builders.walkthrough()
    builders.cell(builders.grid(), "nodeunit1", desired=2, ready=1)
    text = as_("vic").get("/metrics").content.decode()
    assert 'sgportal_nodes{ready="Ready"} 3.0' in text
    assert 'sgportal_pods_ready{group="zone1"} 1.0' in text
    assert 'sgportal_grids{kind="DeploymentGrid",state="Progressing"} 1.0' in text
    assert 'sgportal_grids{kind="DeploymentGrid",state="Ready"} 0.0' in text
    assert 'sgportal_grid_units{kind="DeploymentGrid",state="Ready"} 1.0' in text
    assert "sgportal_work_due 0.0" in text
    assert re.search(r'sgportal_mirror_age_seconds\{resource="nodes"\} \d', text)
    assert Api().get("/metrics").status_code == 401
    settings.SGPORTAL_METRICS_OPEN = True
    assert Api().get("/metrics").status_code == 200


@pytest.mark.django_db
def test_metrics_tell_what_each_living_keeper_has_counted(as_):
    metrics = ControllerMetrics(written=12, failed=1, kept=3)
    for seconds in (0.004, 0.02, 0.02, 70):
        metrics.took(seconds)
    now = timezone.now()
    Heartbeat.objects.create(kind="keeper", name="edge:1", figures=metrics.figures())
    Heartbeat.objects.create(kind="keeper", name="waits:2")
    gone = {**metrics.figures(), "kept": 9}
    Heartbeat.objects.create(kind="keeper", name="gone:3", figures=gone, at=now - timedelta(minutes=5))
    text = as_("vic").get("/metrics").content.decode()
    for line in (
        'sgportal_keeper_services{process="edge:1"} 3.0',
        'sgportal_keeper_slices_written_total{process="edge:1"} 12.0',
        'sgportal_keeper_failures_total{process="edge:1"} 1.0',
        'sgportal_keeper_delay_seconds_bucket{le="0.005",process="edge:1"} 1.0',
        'sgportal_keeper_delay_seconds_bucket{le="0.025",process="edge:1"} 3.0',
        'sgportal_keeper_delay_seconds_bucket{le="60.0",process="edge:1"} 3.0',
        'sgportal_keeper_delay_seconds_bucket{le="+Inf",process="edge:1"} 4.0',
        'sgportal_keeper_delay_seconds_count{process="edge:1"} 4.0',
        'sgportal_keeper_delay_seconds_sum{process="edge:1"} 70.044',
    ):
        assert f"{line}\n" in text
    assert "waits:2" not in text
    assert "gone:3" not in text


@pytest.mark.django_db
def test_prometheus_own_accept_header_is_served(as_):
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
    answer = as_("vic").get("/metrics", Accept=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.django_db
def test_the_documentation_is_for_people_who_logged_in_and_needs_no_other_server(people):
    client = Client()
    assert client.get("/api/docs/").status_code == 302
    client.force_login(people["mallory"])
    assert client.get("/api/docs/").status_code == 403, "an account without a role"
    client.force_login(people["vic"])
    page = client.get("/api/docs/")
    script = client.get("/api/docs/?script=")
    assert page.status_code == script.status_code == 200
    assert "/api/v1/schema" in script.content.decode()
    html = page.content.decode()
    assert "drf_spectacular_sidecar" in html
    assert "//cdn" not in html
    assert not re.search(r"<script(?![^>]*src=)[^>]*>", html), "the content security policy blocks inline scripts"
    assert not re.search(r"<style|\sstyle=", html), "and inline styles"


def request(path):
    return RequestFactory().get(path)


def test_errors_outside_every_view_are_problems_for_machines_and_pages_for_people():
    for answer, status in (
        (urls.bad_request(request("/api/v1/nodes"), SuspiciousOperation()), 400),
        (urls.server_error(request("/api/v1/nodes")), 500),
    ):
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
    assert urls.server_error(request("/nodes/"))["Content-Type"].startswith("text/html")


def serve(scope_headers, chunks):
    """What a small application behind the limits answers, and how much of the body it was given."""
    received, sent = [], []
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def application(_scope, receive, send):
        received.extend([(await receive())["type"] for _ in chunks])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/apply", "query_string": b"", "headers": scope_headers}
    asyncio.run(serving.within_limits(application)(scope, receive, send))
    return sent[0]["status"], received


def test_a_body_announced_too_large_is_not_received():
    assert serve([(b"content-length", str(serving.MOST + 1).encode())], [b"x"]) == (413, [])
    assert serve([(b"content-length", b"5")], [b"x"]) == (200, ["http.request"])


def test_a_body_that_grows_too_large_is_cut_off():
    half = b"x" * (serving.MOST // 2 + 1)
    assert serve([], [half, half])[1] == ["http.request", "http.disconnect"]


def _trickle(address, head, found):
    """Send a request's head, then a byte now and then, for ever; what is answered."""
    host, port = address.removeprefix("http://").split("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=0.2) as link:
        link.sendall(head.encode())
        since, answer = time.monotonic(), b""
        while time.monotonic() < since + 40:
            try:
                part = link.recv(65536)
                if not part:
                    break
                answer += part
            except ConnectionResetError:
                break  # a byte of ours met the closed end; what was answered before has been read
            except TimeoutError:
                with contextlib.suppress(OSError):
                    link.sendall(b"1\r\n \r\n" if "chunked" in head else b" ")
        found.append((time.monotonic() - since, answer.decode()))


@pytest.mark.slow
@pytest.mark.parametrize("length", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_bodies_that_trickle_in_are_ended(address, token, monkeypatch, length, method):
    """Forty at once, each with a byte now and then; the server answers others all the while."""
    monkeypatch.setattr(serving, "BODY_SECONDS", 1.5)
    head = (
        f"{method} /api/v1/apply HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nAccept-Language: zh-CN\r\n"
        f"{length}\r\n\r\n"
    )
    found = []
    threads = [threading.Thread(target=_trickle, args=(address, head, found)) for _ in range(40)]
    for each in threads:
        each.start()
    with urllib.request.urlopen(address.replace("/api/v1/events", "/healthz"), timeout=10) as answer:
        assert answer.status == 200
    for each in threads:
        each.join()
    assert len(found) == 40
    assert max(seconds for seconds, _ in found) < 30, "each connection is closed soon after"
    for _, text in found:
        head, _, body = text.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 408 ")
        assert "connection: close" in head.lower()
        assert "请求体" in orjson.loads(body)["detail"]


@pytest.mark.django_db
def test_a_server_that_cannot_stream_says_so(as_):
    answer = as_("vic").get("events", Accept="text/event-stream")
    assert answer.status_code == 503
    assert answer["Retry-After"]


async def first_bytes(*start, count=1):
    found = []
    async for part in streams.stream(*start, EVERYTHING):
        found.append(part)
        if len(found) == count:
            break
    return found


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)


@pytest.mark.django_db(transaction=True)
def test_an_idle_stream_gives_a_sign_of_life(quick):
    assert asyncio.run(first_bytes(0, [], False, count=2))[1] == b"event: beat\ndata: {}\n\n"


@pytest.mark.django_db(transaction=True)
def test_a_stream_whose_database_is_away_is_silent_until_it_is_back(quick, monkeypatch):
    asked, reads = threading.Semaphore(0), streams.changes_after

    def away(*_args):
        asked.release()
        raise OperationalError("the connection was closed")

    async def listen():
        monkeypatch.setattr(streams, "changes_after", away)
        stream = streams.stream(0, [], False, EVERYTHING)
        await anext(stream)
        said = asyncio.ensure_future(anext(stream))
        for _ in range(3):  # the third time it was known that the second had failed
            while not asked.acquire(blocking=False):
                said = asyncio.ensure_future(anext(stream)) if said.done() else said
                await asyncio.sleep(0.01)
        said = asyncio.ensure_future(anext(stream)) if said.done() else said
        silent = not (await asyncio.wait({said}, timeout=0.5))[0]
        monkeypatch.setattr(streams, "changes_after", reads)
        found = await said
        await stream.aclose()
        return silent, found

    assert asyncio.run(listen()) == (True, streams.BEAT)


@pytest.mark.django_db(transaction=True)
def test_several_changes_of_one_thing_are_one_event(quick):
    rows = [streams.Change(number, "node", "n1") for number in (1, 2, 3)]
    (text,) = asyncio.run(first_bytes(3, rows, False))
    assert without_retry(text) == b'id: 3\n\nid: 3\ndata: {"kind":"node","key":"n1"}\n\n'


@pytest.mark.django_db(transaction=True)
def test_a_reader_too_slow_is_told_to_read_afresh():
    async def slow():
        hub = streams.Hub()
        listener = hub.join(0, EVERYTHING, EVERYTHING)
        hub._spread(streams.Change(number, "node", str(number)) for number in range(1, streams.BACKLOG + 2))
        hub.leave(listener)
        assert hub._reader is not None
        await hub._reader
        return await listener.next(75), listener.has_anything

    assert asyncio.run(slow()) == (b"id: 1001\nevent: resync\ndata: {}\n\n", False)


@pytest.mark.django_db(transaction=True)
def test_streams_end_when_the_server_goes(quick):
    async def until_closed():
        asyncio.get_running_loop().call_later(0.1, streams.close)
        return [part async for part in streams.stream(0, [], False, EVERYTHING)]

    try:
        begun, *idle = asyncio.run(asyncio.wait_for(until_closed(), 75))
    finally:
        streams.reopen()
    assert without_retry(begun) == b"id: 0\n\n"
    assert set(idle) <= {streams.BEAT}


def without_retry(text):
    """What a stream begins with, without how long its reader is to wait before it comes back."""
    return re.sub(rb"^retry: \d{4}\n", b"", text)


async def news(stream):
    """What a stream sends next, its signs of life left out."""
    while (part := await anext(stream)) == streams.BEAT:
        pass
    return part


@pytest.mark.django_db(transaction=True)
def test_a_late_commit_is_still_told(quick):
    """A slower transaction's revision becomes visible after a higher one."""

    async def late():
        stream = streams.stream(10, [], False, EVERYTHING)
        await anext(stream)
        await asyncio.to_thread(Journal.objects.create, pk=12, kind="node", key="second")
        second = await news(stream)
        await asyncio.to_thread(Journal.objects.create, pk=11, kind="node", key="first")
        first = await news(stream)
        await stream.aclose()
        return first, second

    first, second = asyncio.run(late())
    assert b'"second"' in second
    assert b'"first"' in first


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_with_an_open_stream_ends_at_once_and_quietly(tmp_path, number):
    port, log = free_port(), tmp_path / "log"
    database = tmp_path / "db.sqlite3"
    environment = {
        "PATH": "/usr/bin:/bin",
        "SECRET_KEY": "tests-only",
        "SGPORTAL_TLS": "0",
        "SGPORTAL_CLUSTER": "demo",
        "DATABASE_URL": f"sqlite:///{database}",
        "DJANGO_SETTINGS_MODULE": "sgportal.settings",
    }
    make = (
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from django.contrib.auth.models import User; from sgportal.models import ApiToken\n"
        "print(ApiToken.issue(User.objects.create_superuser('root'), 't')[1])"
    )
    token = subprocess.run(
        [sys.executable, "-c", make], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    command = [sys.executable, "-m", "uvicorn", "sgportal.asgi:application", "--port", str(port), "--lifespan", "off"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--timeout-graceful-shutdown", "5"], env=environment, cwd=ROOT, stdout=out, stderr=out
        )
    try:
        wait_for(lambda: b"running on" in log.read_bytes(), 75, "uvicorn listens")
        heard = threading.Event()
        reader = threading.Thread(target=_read, args=(port, token, heard), daemon=True)
        reader.start()
        assert heard.wait(75)
        process.send_signal(number)
        began = time.monotonic()
        process.wait(75)
        assert in_time(time.monotonic() - began, 4)  # its own patience is five seconds
        reader.join(75)
        assert not reader.is_alive()
    finally:
        process.kill()
    text = log.read_text()
    assert "Traceback" not in text, text
    assert "ERROR" not in text, text


def _read(port, token, heard):
    import http.client

    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    link.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
    answer = link.getresponse()
    while answer.readline():
        heard.set()


def test_problems_are_json_of_our_own_making():
    body = orjson.loads(urls.server_error(request("/api/v1/x")).content)
    assert body["status"] == 500
