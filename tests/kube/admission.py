"""An admission webhook on loopback: a real HTTPS server that the API server asks before it stores an object."""

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from embedded_cluster.tls import make_certificates

from .control_plane import ControlPlane

_BASE = "/apis/admissionregistration.k8s.io/v1"
# What is asked about: (object as it would be stored) → a refusal in words, or a JSON patch, or None to let it pass.
Verdict = Callable[[dict[str, Any]], str | list[dict[str, Any]] | None]


class Webhook:
    """A running webhook. `stop` leaves its registration, so that the API server calls into nothing."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def webhook(
    plane: ControlPlane,
    folder: Path,
    verdict: Verdict,
    *,
    kind: str = "Validating",
    plural: str = "deployments",
    failure_policy: str = "Fail",
    seconds: int = 2,
) -> Iterator[Webhook]:
    """A webhook for creates and updates of a plural, taken away at the end. Waits until it is asked."""
    ca, certificate, key = make_certificates(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(verdict))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registered = f"{_BASE}/{kind.lower()}webhookconfigurations"
    hook = {
        "name": "test.sgportal.example",
        "clientConfig": {
            "url": f"https://127.0.0.1:{server.server_port}/",
            "caBundle": base64.b64encode(ca.read_bytes()).decode(),
        },
        "rules": [
            {
                "apiGroups": [_GROUPS.get(plural, "apps")],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": [plural],
            }
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": failure_policy,
        "timeoutSeconds": seconds,
    }
    body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration"}
    plane.request("POST", registered, {**body, "metadata": {"name": "test"}, "webhooks": [hook]})
    running = Webhook(server)
    try:
        plane.wait(lambda: _is_asked(plane, plural), 60, "the webhook is asked", pause=0.02)
        yield running
    finally:
        plane.request("DELETE", f"{registered}/test")
        plane.wait(lambda: not _is_asked(plane, plural), 60, "the webhook is forgotten", pause=0.02)
        running.stop()


_PROBE = "is-the-webhook-asked"
_GROUPS = {"endpointslices": "discovery.k8s.io", "services": ""}  # of those that are not of apps
_POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
_WORKLOAD = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": _POD}}
_PROBES = {
    "deployments": {"kind": "Deployment", **_WORKLOAD},
    "statefulsets": {"kind": "StatefulSet", **_WORKLOAD},
    "endpointslices": {"kind": "EndpointSlice", "addressType": "IPv4", "endpoints": []},
    "services": {"kind": "Service", "spec": {"ports": [{"port": 80}]}},
}


def _is_asked(plane: ControlPlane, plural: str) -> bool:
    """Whether a dry run that every webhook of ours refuses is refused: registrations take a moment to be known."""
    group = _GROUPS.get(plural, "apps")
    version, base = (f"{group}/v1", "/apis") if group else ("v1", "/api")
    body = {"apiVersion": version, "metadata": {"name": _PROBE}, **_PROBES[plural]}
    try:
        plane.request("POST", f"{base}/{version}/namespaces/default/{plural}?dryRun=All", body)
    except OSError as error:
        return "test.sgportal.example" in getattr(error, "read", lambda: b"")().decode()
    return False


def _handler(verdict: Verdict) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = review["request"]["object"]
            said = "a probe" if body["metadata"].get("name") == _PROBE else verdict(body)
            response: dict[str, Any] = {"uid": review["request"]["uid"], "allowed": not isinstance(said, str)}
            if isinstance(said, str):
                response["status"] = {"message": said, "code": 403, "reason": "Forbidden"}
            elif said:
                patch = base64.b64encode(json.dumps(said).encode()).decode()
                response |= {"patchType": "JSONPatch", "patch": patch}
            answer = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
