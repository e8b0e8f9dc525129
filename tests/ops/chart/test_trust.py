"""The chart's value `trust`: what the portal's clients are checked against, where the authority is a private one."""

import contextlib
import http.server
import json
import ssl
import threading
from http import HTTPStatus

import pytest

from embedded_cluster.tls import make_certificates
from sgportal.access import oidc
from sgportal.reconciler.notices.send import send
from sgportal.reconciler.process.promql import NoAnswer, instant_query

from . import manifests
from .test_values import refusal

PLACE = "/etc/sgportal/trust/ca.crt"
VALUES = ("--set", "trust.configMap=own-authorities,trust.key=bundle.pem")


def pods(*arguments: str) -> list[dict]:
    """The pods of the portal, as `helm template` makes them."""
    made = [each for each in manifests.template(*arguments) if each["kind"] == "Deployment"]
    return [each["spec"]["template"]["spec"] for each in made]


def variables(*arguments: str) -> dict[str, str]:
    """What each container of each pod is told of it, the same for all."""
    told = {
        tuple((each["name"], each["value"]) for each in container["env"] if each.get("value") == PLACE)
        for pod in pods(*arguments)
        for container in (*pod["initContainers"], *pod["containers"])
    }
    (same,) = told
    return dict(same)


@pytest.mark.helm
@pytest.mark.parametrize("more", [(), ("-f", str(manifests.CHART / "profiles" / "ha.yaml"))])
def test_every_container_has_the_bundle_and_is_told_where_it_is(more):
    assert variables(*more) == {}
    assert variables(*more, *VALUES).keys() == {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
    for pod in pods(*more, *VALUES):
        (volume,) = [each["configMap"] for each in pod["volumes"] if each["name"] == "trust"]
        assert volume == {"name": "own-authorities", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}
        for container in (*pod["initContainers"], *pod["containers"]):
            (mount,) = [each for each in container["volumeMounts"] if each["name"] == "trust"]
            assert mount == {"name": "trust", "mountPath": "/etc/sgportal/trust", "readOnly": True}


@pytest.mark.helm
def test_a_name_that_no_configmap_has_is_refused():
    assert "/trust/configMap" in refusal("--set", "trust.configMap=Own Authorities")
    assert "/trust/key" in refusal("--set", "trust.key=a/b")


class Answers(http.server.BaseHTTPRequestHandler):
    """Whatever is asked for is there."""

    def do_GET(self) -> None:
        said = json.dumps({"issuer": "https://sso.example", "status": "success"}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def private(tmp_path):
    """The port of a server whose certificate a private authority has signed, and that authority's."""
    authority, certificate, key = make_certificates(tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, authority
    server.shutdown()
    thread.join()
    server.server_close()


def reached(port: int, settings) -> set[str]:
    """Who of those that call others gets an answer."""
    found = set()
    settings.SGPORTAL_OIDC_ISSUER = f"https://localhost:{port}"
    with contextlib.suppress(NoAnswer):
        instant_query(f"https://localhost:{port}", "up", 30, 1000)
        found.add("Prometheus")
    with contextlib.suppress(OSError):
        oidc.client().load_server_metadata()
        found.add("provider")
    if not send(f"jsons://localhost:{port}/", "title", "text"):
        found.add("notification")
    return found


@pytest.mark.helm
def test_what_calls_others_trusts_whom_the_bundle_names(private, settings, monkeypatch):
    port, authority = private
    for name in variables(*VALUES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    assert reached(port, settings) == set()
    for name in variables(*VALUES):
        monkeypatch.setenv(name, str(authority))
    assert reached(port, settings) == {"Prometheus", "provider", "notification"}
