"""Traces over OTLP: a request, the work that its message brings, and what either asks of the API server."""

import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from sgportal import tracing
from sgportal.logs import carried, context
from sgportal.models import ApiToken
from sgportal.reconciler.executor import Origin
from sgportal.reconciler.process import connection
from sgportal.reconciler.queue import broker, due_cells, workqueue
from sgportal.reconciler.worker import run
from tests.logs.receiver import receiver
from tests.reconciler.world import a_grid

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
KEY = "deploymentgrids/default/g"
OFF = (
    {},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
)
LOADED = f"""
import os, sys
import django
django.setup()
import sgportal.asgi, sgportal.reconciler.worker, sgportal.management.worker_process
from sgportal import tracing
for each in {OFF!r}:
    os.environ |= each
    tracing.begin("web")
    with tracing.span("x", "SERVER", root=True):
        assert tracing.headers() == {{}} and tracing.ids() == {{}}
    assert not any(name.startswith(("opentelemetry", "google.protobuf")) for name in sys.modules), each
    [os.environ.pop(name) for name in each]
"""


@pytest.fixture
def collector(monkeypatch):
    with receiver() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        tracing.begin("test", "shanghai")
        yield found
        tracing.end()


@pytest.fixture
def sent(monkeypatch, settings):
    """The messages that would be sent to a broker, with their headers."""
    found = []
    settings.CELERY_BROKER_URL = "memory://"
    mine = broker.Sender()
    monkeypatch.setattr(broker, "_sender", [mine])
    monkeypatch.setattr(broker.app, "send_task", lambda _name, args, headers, **_: found.append((args[0], headers)))
    return lambda: mine.flush() or dict(found)


def one(spans, name):
    (found,) = [each for each in spans if each.name == name]
    return found


@pytest.mark.embedded_only
def test_a_request_leads_to_its_work_and_that_to_what_the_api_server_is_asked(world, client, collector, sent):
    world.label("node0", zone="z")
    world.settle()
    _, token = ApiToken.issue(User.objects.create_superuser("ada"), "t", "write")
    headers = {"Authorization": f"Bearer {token}", "traceparent": CALLER, "X-Request-ID": "request-1"}
    client.get("/login/?next=THEqueryTHE")
    answer = client.post("/api/v1/deploymentgrids", a_grid(), "application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    message = sent()[KEY]
    with Origin("task-1", message[broker.REQUEST], message[broker.TRACE]).bound_to(KEY):
        run(KEY)
    tracing.end()
    assert collector.paths == {"/v1/traces"}
    asked = one(collector.spans, "POST /api/v1/deploymentgrids")
    assert (asked.kind, asked.service, f"00-{asked.trace}-{asked.parent}-01") == ("SERVER", "sgportal-test", CALLER)
    assert (asked.attributes["http.response.status_code"], asked.attributes["sgportal.request_id"]) == (
        201,
        "request-1",
    )
    enqueued = one(
        [each for each in collector.under(asked) if KEY in each.attributes.get("sgportal.keys", ())], "enqueue"
    )
    work = one(collector.under(enqueued), "reconcile deploymentgrids")
    assert (work.kind, work.parent, work.attributes["sgportal.key"]) == ("CONSUMER", enqueued.id, KEY)
    written = [each for each in collector.under(work) if each.kind == "CLIENT"]
    assert "PATCH /apis/apps/v1/namespaces/{namespace}/deployments/{name}" in {each.name for each in written}
    assert all(each.attributes["http.response.status_code"] for each in written)
    everything = b"".join(collector.bodies)
    for secret in (token, token.split("_", 2)[2], "THEqueryTHE", "Bearer"):
        assert secret.encode() not in everything


@pytest.mark.embedded_only
def test_the_api_server_is_told_the_trace_by_each_thread(world, collector):
    seen = []
    asks = connection.writable()
    handed = asks._transport._headers
    asks._transport._headers = lambda extra: seen.append(extra) or handed(extra)
    with tracing.span("work", root=True):
        at_hand = tracing.ids()
        connection.map_parallel(lambda name: asks.get("Node", "", name), ["node0", "node1"])
    asks.get("Node", "", "node0")
    *within, outside = seen
    assert {each["traceparent"][:35] for each in within} == {f"00-{at_hand['traceId']}"}
    assert "traceparent" not in outside
    tracing.end()
    assert [each.name for each in collector.spans].count("GET /api/v1/nodes/{name}") == 2


@pytest.mark.django_db
def test_a_span_says_how_many_statements_were_sent_within_it_and_shows_none_of_them(client, collector):
    _, token = ApiToken.issue(User.objects.create_superuser("ada"), "t", "read")
    client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    with CaptureQueriesContext(database) as sent:
        client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    with tracing.span("work", root=True):
        with tracing.span("part"):
            User.objects.filter(username="THEnameTHE").exists()
        carried(User.objects.exists)()
    tracing.end()
    asked = [each for each in collector.spans if each.name == "GET /api/v1/me"][-1]
    assert len(sent) == asked.attributes["sgportal.sql.statements"] > 0
    assert asked.attributes["sgportal.sql.seconds"] > 0
    work, part = one(collector.spans, "work"), one(collector.spans, "part")
    assert [each.attributes["sgportal.sql.statements"] for each in (work, part)] == [2, 1]
    everything = b"".join(collector.bodies)
    assert b"THEnameTHE" not in everything
    assert b"SELECT" not in everything


@pytest.mark.django_db(transaction=True)
def test_what_gathers_the_work_of_many_is_a_trace_of_its_own_that_links_to_what_began_it(collector):
    for key in (cells := due_cells.key_of("zone"), grid := "deploymentgrids/default/gone"):
        workqueue.enqueue([key])
        with Origin("t", "", CALLER).bound_to(key):
            run(key)
    tracing.end()
    gathered, single = one(collector.spans, "reconcile cells"), one(collector.spans, "reconcile deploymentgrids")
    assert (gathered.attributes["sgportal.key"], single.attributes["sgportal.key"]) == (cells, grid)
    assert (gathered.parent, gathered.links) == ("", ((CALLER[3:35], CALLER[36:52]),))
    assert (single.trace, single.parent, single.links) == (CALLER[3:35], CALLER[36:52], ())
    assert gathered.trace != single.trace


@pytest.mark.parametrize("hostile", ["", "00-", CALLER * 1000, "00-" + "0" * 32 + "-b7ad6b7169203331-01", "\n", "é"])
def test_what_a_message_brings_that_is_no_trace_is_left_aside(collector, hostile):
    with tracing.brought_by(hostile), tracing.span("work", parent=hostile, link=hostile, root=True):
        assert context.fields()["traceId"] == tracing.ids()["traceId"]
    tracing.end()
    (found,) = collector.spans
    assert (found.parent, found.links) == ("", ())


def test_an_error_is_named_by_its_class_and_never_quoted(collector):
    with pytest.raises(ValueError, match="THEsecretTHE"), tracing.span("work", root=True):
        raise ValueError("https://hooks.example/THEsecretTHE")
    tracing.end()
    (found,) = collector.spans
    assert (found.failed, found.attributes["error.type"]) == (True, "ValueError")
    assert b"THEsecretTHE" not in b"".join(collector.bodies)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_no_traces(client, collector, address):
    client.get(address)
    client.get("/nowhere")
    tracing.end()
    assert [each.name for each in collector.spans] == ["GET"]


def test_nothing_of_it_is_loaded_where_no_collector_is_named():
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": "sqlite:///:memory:"}
    subprocess.run([sys.executable, "-c", LOADED], env=given, check=True)


@pytest.mark.django_db
def test_a_collector_that_is_away_changes_no_answer(client, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    tracing.begin("test")
    try:
        assert client.get("/login/").status_code == 200
    finally:
        tracing.end()
    assert not tracing.is_on()
