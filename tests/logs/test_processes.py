"""Everything that the processes write is JSON, and the id of a request goes along to the worker."""

import json
import urllib.request

import pytest

from tests.logs.receiver import receiver
from tests.ops.runtime.workers import World
from tests.services import run_redis, wait_for

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]
SERVICES = ("worker", "watch", "keeper", "web")
GRID = {
    "apiVersion": "superedge.io/v1",
    "kind": "DeploymentGrid",
    "metadata": {"name": "echo", "namespace": "default"},
    "spec": {
        "gridUniqKey": "site",
        "template": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "echo"}},
            "template": {
                "metadata": {"labels": {"app": "echo"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    },
}


@pytest.fixture
def collector():
    with receiver() as found:
        yield found


@pytest.fixture
def world(embedded_cluster, tmp_path, collector):
    with run_redis(tmp_path) as redis:
        made = World(
            tmp_path,
            embedded_cluster("large:4x2"),
            2,
            f"sqlite:///{tmp_path}/portal.sqlite3",
            f"redis://127.0.0.1:{redis.port}/0",
            LOG_FORMAT="json",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        yield made
        made.portal.stop()


def lines(world, name):
    return [json.loads(each) for each in world.portal.log(name).splitlines(True) if each.endswith("\n")]


def post(world, manifest, request):
    asked = urllib.request.Request(
        f"http://127.0.0.1:{world.port}/api/v1/deploymentgrids",
        json.dumps(manifest).encode(),
        {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json", "X-Request-ID": request},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.status, answer.headers["X-Request-ID"]


def of_request(world, name, request):
    return [each for each in lines(world, name) if each.get("requestId") == request]


def is_one_trace(collector, trace):
    """A worker, forked after its settings were read, made a request to the API server within the work that a message of
    the request to the web process brought."""
    found = {(each.service, each.kind) for each in collector.of(trace)}
    asked = {("sgportal-web", "SERVER"), ("sgportal-web", "PRODUCER")}
    return found >= asked | {("sgportal-worker", "CONSUMER"), ("sgportal-worker", "CLIENT")}


def brought(world, request):
    """What the worker said of a request within its trace: cells, which are a trace of their own, may come first."""
    traces = {each["traceId"] for each in of_request(world, "web", request)}
    return [each for each in of_request(world, "worker", request) if each.get("traceId") in traces]


def asked_until_a_message_brings_it(world):
    """The id of a request whose work came to the worker with its message. One for which no thread was free at that
    moment comes from the rows, which know no request; then another is made."""
    made = []

    def one():
        request = f"from-the-test-{len(made)}"
        manifest = {**GRID, "metadata": {"name": f"echo{len(made)}", "namespace": "default"}}
        assert post(world, manifest, request) == (201, request)
        made.append(request)
        return [each for each in made if brought(world, each)]

    return wait_for(one, 75, "the worker says what it did for a request", pause=1)[0]


def test_all_lines_are_json_and_a_request_leads_to_its_work(world, collector):
    world.start("worker", "watch", "keeper")
    world.web()
    wait_for(lambda: lines(world, "watch"), 75, "the watch says something")
    request = asked_until_a_message_brings_it(world)
    for each in of_request(world, "worker", request):
        assert each["taskId"]
        assert each["key"]
        assert each["process"] == "worker"
    (answered,) = of_request(world, "web", request)
    assert (answered["user"], answered["cluster"], answered["process"]) == ("ada", "demo", "web")
    wait_for(lambda: is_one_trace(collector, answered["traceId"]), 75, "request, message, work and its requests arrive")
    world.portal.stop()
    for name in SERVICES:
        for each in lines(world, name):
            assert each.keys() >= {"time", "level", "logger", "message", "process", "cluster"}, each
    assert world.token not in "".join(map(world.portal.log, SERVICES))
