"""The connections that writes are made by: their TLS, their time-outs, and that no write is ever sent twice."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded_cluster.tls import make_certificates
from sgportal.cluster import MERGE_PATCH, Cluster, Throttled, Unreachable, connect

from .wire import OK, answer


class Recorder(ThreadingHTTPServer):
    """An HTTPS server that says yes to every write, and remembers who asked what on how many connections."""

    daemon_threads = True

    def __init__(self, folder: Path, asks_for_certificates: bool = False, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.ca, self.certificate, self.key = make_certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if asks_for_certificates:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.seen: list[tuple[str, str, bytes]] = []
        self.connections: set[Any] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """A handshake that fails is the client's to tell."""


class _Handler(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.command, self.headers["Authorization"], body))
        self.server.connections.add(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", str(len(OK)))
        self.end_headers()
        self.wfile.write(OK)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def reaching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Cluster]]:
    """A client of a server, with more of its kubeconfig where given."""
    made: list[Recorder] = []

    def reach(recorder: Recorder, user: dict[str, str] | None = None, **cluster: Any) -> Cluster:
        made.append(recorder)
        address = {"server": f"https://127.0.0.1:{recorder.server_port}", "certificate-authority": str(recorder.ca)}
        config = {
            "clusters": [{"name": "c", "cluster": {**address, **cluster}}],
            "users": [{"name": "u", "user": user or {"token": "secret"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(path))
        return connect("kubeconfig", read_seconds=5)

    yield reach
    for each in made:
        each.shutdown()
        each.server_close()


def patch(cluster: Cluster) -> Any:
    return cluster.patch("Node", "", "n", {"metadata": {"labels": {"name": "café"}}}, MERGE_PATCH)


def test_writes_of_many_threads_arrive_once_each_on_a_few_kept_connections(tmp_path, reaching) -> None:
    server = Recorder(tmp_path)
    cluster = reaching(server)

    def work() -> None:
        for _ in range(10):
            assert patch(cluster)["metadata"]["name"] == "n"

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert server.seen == [("PATCH", "Bearer secret", '{"metadata":{"labels":{"name":"café"}}}'.encode())] * 80
    assert len(server.connections) <= 8
    cluster.close()
    patch(cluster)
    assert len(server.connections) > 1


def test_a_server_of_another_authority_is_not_written_to(tmp_path, reaching) -> None:
    other, strangers = tmp_path / "other", tmp_path / "strangers"
    other.mkdir(), strangers.mkdir()
    server = Recorder(strangers)
    cluster = reaching(server, **{"certificate-authority": str(make_certificates(other)[0])})
    with pytest.raises(Unreachable, match="certificate"):
        patch(cluster)
    assert server.seen == []


def test_a_server_of_another_name_is_not_written_to(tmp_path, reaching) -> None:
    """Its certificate is for localhost and 127.0.0.1 alone; asked for by another address of the machine."""
    server = Recorder(tmp_path, host="0.0.0.0")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.2"):
        patch(reaching(server, server=f"https://127.0.0.2:{server.server_port}"))
    assert server.seen == []
    with pytest.raises(Unreachable):
        patch(reaching(server, **{"tls-server-name": "stranger.example"}))
    assert server.seen == []


def test_a_client_certificate_is_shown(tmp_path, reaching) -> None:
    server = Recorder(tmp_path, asks_for_certificates=True)
    named = {"client-certificate": str(server.certificate), "client-key": str(server.key)}
    assert patch(reaching(server, user=named))
    with pytest.raises(Unreachable):
        patch(reaching(server))
    assert len(server.seen) == 1


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_without_a_check_of_certificates_and_under_another_name_writes_arrive_as_well(tmp_path, reaching) -> None:
    server = Recorder(tmp_path)
    assert patch(reaching(server, **{"tls-server-name": "localhost"}))
    assert patch(reaching(server, **{"insecure-skip-tls-verify": True}))
    assert len(server.seen) == 2


def test_a_proxy_that_only_the_environment_names_is_not_asked(tmp_path, reaching, monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    server = Recorder(tmp_path)
    assert patch(reaching(server))


def test_a_write_on_a_kept_connection_that_breaks_is_not_sent_again(scripted) -> None:
    cluster = scripted([answer(OK), "close"], [answer(OK)])
    assert patch(cluster)
    with pytest.raises(Unreachable):
        patch(cluster)
    assert [each.split()[0] for each in cluster.server.requests] == [b"PATCH", b"PATCH"]


def test_a_write_after_the_server_has_closed_a_kept_connection_arrives_on_another(scripted) -> None:
    cluster = scripted([answer(OK)], [answer(OK)])
    assert patch(cluster)
    time.sleep(0.2)  # the server has closed it, and its FIN is here
    assert patch(cluster)


def test_a_server_that_keeps_no_connection_is_written_to_again(scripted) -> None:
    once = answer(OK, headers="Connection: close\r\n")
    cluster = scripted([once], [once])
    assert patch(cluster)
    assert patch(cluster)


def test_a_write_without_an_answer_ends_after_the_read_time_out(scripted) -> None:
    cluster = scripted(["hang"], [answer(OK)])
    began = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer"):
        patch(cluster)
    assert 0.4 < time.monotonic() - began < 3
    assert patch(cluster)


@pytest.mark.parametrize("body", [b"<html>", b'{"metadata":', b""])
def test_an_answer_that_is_no_json_is_no_answer(scripted, body: bytes) -> None:
    with pytest.raises(Unreachable):
        patch(scripted([answer(body)]))


def test_an_answer_cut_short_is_no_answer(scripted) -> None:
    with pytest.raises(Unreachable):
        patch(scripted([answer(OK)[:-9]]))


def test_a_request_to_slow_down_says_for_how_long(scripted) -> None:
    cluster = scripted([answer(b"{}", "429 Too Many Requests", "Retry-After: 7\r\n")])
    with pytest.raises(Throttled) as caught:
        patch(cluster)
    assert caught.value.retry_after == 7.0


def test_nobody_listens(scripted) -> None:
    cluster = scripted()
    cluster.server.close()
    with pytest.raises(Unreachable, match="does not answer"):
        patch(cluster)
