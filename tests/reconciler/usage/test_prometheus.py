"""What a Prometheus says of pods and nodes: asked of a real server over HTTP that speaks its API."""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from sgportal.core.usage.prometheus import NAMESPACES, node_queries, pod_queries
from sgportal.models import CellUsage, NodeUsage, PodUsage, UnitUsage, UsageSource
from sgportal.models.usage import MEASURED
from sgportal.reconciler.usage import measuring, prometheus
from tests import builders

pytestmark = pytest.mark.django_db
MIB = 2**20


def series(value, **labels):
    return {"metric": labels, "value": [1767268800.123, value]}


class Handler(BaseHTTPRequestHandler):
    """Prometheus' HTTP API: `server.series` has what is answered to which query."""

    def do_GET(self):
        self.answer(urlsplit(self.path).query)

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, form):
        query = parse_qs(form)["query"][0]
        self.server.seen.append((self.command, urlsplit(self.path).path, query, self.headers.get("Authorization")))
        status, data = self.server.status, {"resultType": "vector", "result": self.server.series.get(query, [])}
        said = self.server.said or json.dumps({"status": "success", "data": data}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(settings):
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.seen, served.status, served.said, served.series = [], 200, b"", {}
    threading.Thread(target=served.serve_forever, daemon=True).start()
    settings.SGPORTAL_PROMETHEUS_URL = f"http://127.0.0.1:{served.server_port}/"
    settings.SGPORTAL_METRICS_SERVER = False
    yield served
    served.shutdown()
    served.server_close()


def never():
    raise AssertionError("the cluster is asked")


@pytest.fixture
def pod(server):
    """A node in a NodeUnit, a grid, and a pod of it there, of which Prometheus knows, and another that is nobody's."""
    builders.label(builders.a_node("node0"), {"site": "lyo"})
    found = builders.a_pod(builders.observed(builders.a_grid("echo", "site"), ["lyo"]), "lyo", "node0")
    (cpu, memory), (node_cpu, node_memory) = pod_queries(["default"]), node_queries()
    mine, other = ({"namespace": "default", "pod": name} for name in (found.name, "nobodys"))
    server.series = {
        cpu: [series("0.2501", **mine), series("1", **other)],
        memory: [series(str(100 * MIB), **mine), series(str(MIB), **other)],
        node_cpu: [series("1.5", node="node0", instance="10.0.0.1:10250"), series("1", instance="strange:10250")],
        node_memory: [series("1.048576e+06", node="node0"), series("NaN", instance="strange:10250")],
    }
    return found


def problem():
    """Why nothing was measured, after a look."""
    pause = measuring.look(never)
    source = UsageSource.now()
    assert source.pause == math.ceil(pause)
    return source.sentence


def test_pods_and_nodes_are_kept_as_from_metrics_server(pod, server):
    assert problem() is None
    (row,) = PodUsage.objects.all()
    assert (row.name, row.cpu, row.memory) == (pod.name, 251, 100)
    assert {each.unit: (each.cpu, each.memory) for each in CellUsage.objects.all()} == {
        "lyo": (251, 100),
        "": (251, 100),
    }
    assert [(each.node, each.cpu, each.memory) for each in NodeUsage.objects.all()] == [("node0", 1500, 1)]
    assert [(each.unit, each.cpu) for each in UnitUsage.objects.filter(key="site")] == [("lyo", 1500)]
    assert {path for _, path, *_ in server.seen} == {"/api/v1/query"}
    assert len(server.seen) == 4
    assert {token for *_, token in server.seen} == {None}


def test_queries_name_the_namespaces_that_have_grids_so_many_at_a_time(server, pod):
    for number in range(NAMESPACES + 1):
        builders.a_grid("echo", "site", namespace=f"team-with-a-long-name-{number}")
    measuring.look(never)
    pods = [query for _, _, query, _ in server.seen if "namespace=~" in query]
    assert len(pods) == 4  # of two hundred, and of the two that are left
    assert any(command == "POST" for command, *_ in server.seen)  # too long for an address


def test_a_node_is_known_by_its_instance_where_no_label_has_its_name(pod, server):
    for query in node_queries():
        server.series[query] = [series("1", instance="node0:10250")]
    assert problem() is None
    assert NodeUsage.objects.get().node == "node0"


def test_a_token_is_read_from_its_file_each_time(pod, server, settings, tmp_path):
    settings.SGPORTAL_PROMETHEUS_TOKEN_FILE = str(tmp_path / "token")
    assert problem() == prometheus.NO_TOKEN
    assert server.seen == []
    for token in ("first", "second"):
        (tmp_path / "token").write_text(f"{token}\n")
        server.seen.clear()
        assert problem() is None
        assert {sent for *_, sent in server.seen} == {f"Bearer {token}"}


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, b"", str(prometheus.REFUSED)),
        (403, b"", str(prometheus.REFUSED)),
        (503, b"", "HTTP 503"),
        (302, b"", "HTTP 302"),
        (200, b"<html>", "no Prometheus"),
        (200, b'{"data": []}', "no Prometheus"),
        (200, b'{"status": "success", "data": {"resultType": "matrix", "result": [{"values": []}]}}', "no Prometheus"),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": []}}', str(prometheus.NO_METRICS)),
    ],
)
def test_why_nothing_is_measured_is_said_and_what_there_is_stays(pod, server, status, said, words):
    assert problem() is None
    server.status, server.said = status, said
    assert words in str(problem())
    source = UsageSource.now()
    assert source.read_at is not None
    assert PodUsage.objects.exists()


def test_a_prometheus_that_is_not_there_is_said(pod, settings):
    settings.SGPORTAL_PROMETHEUS_URL = "http://127.0.0.1:1"
    assert "does not answer (SGPORTAL_PROMETHEUS_URL)" in str(problem())
    assert not any(model.objects.exists() for model in MEASURED)
