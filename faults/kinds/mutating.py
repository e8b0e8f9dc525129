"""An admission webhook that changes what is written, as policy engines do."""

import base64
import contextlib
import http.server
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from embedded_cluster.tls import make_certificates

from ..setting import Setting
from .fault import fault

_HOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
_NAME = "faults"
_POD = "/spec/template/spec"


def _changes(body: dict[str, Any]) -> list[dict[str, Any]]:
    """A JSON Patch: another registry, a variable, an annotation of the moment, and a number of replicas of its own for
    none."""
    container = body["spec"]["template"]["spec"]["containers"][0]
    mirrored = container["image"].replace("registry.example/", "mirror.example/")
    metadata = body["metadata"].get("annotations") or {}
    return [
        {"op": "add", "path": f"{_POD}/containers/0/image", "value": mirrored},
        {"op": "add", "path": f"{_POD}/containers/0/env", "value": [{"name": "POLICY", "value": "1"}]},
        {"op": "add", "path": f"{_POD}/terminationGracePeriodSeconds", "value": 31},
        {"op": "add", "path": "/metadata/annotations", "value": {**metadata, "policy.example/at": str(time.time_ns())}},
    ]


@contextlib.contextmanager
def _policy(folder: Path, calls: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """A server of it: its URL, and the certificate that its own is signed with."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Change what is asked about."""
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            calls[f"{asked['operation']} {asked['name']}"] += 1
            patch = base64.b64encode(json.dumps(_changes(asked["object"])).encode()).decode()
            response = {"uid": asked["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
            review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            said = json.dumps(review).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    folder.mkdir(exist_ok=True)
    authority, certificate, key = make_certificates(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, name="policy")
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/", authority.read_bytes()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@fault(
    "webhook-mutates",
    "a webhook gives every workload that is written another registry, a variable and an annotation of the moment, for"
    " 60 s",
)
def webhook_mutates(at: Setting) -> None:
    """What it makes of a workload is left to it while it is there, and not written again and again."""
    calls: Counter[str] = Counter()
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments", "statefulsets"],
    }
    with _policy(at.folder / "policy", calls) as (url, authority):
        hook = {
            "name": "policy.sgportal.example",
            "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
            "rules": [rule],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
        }
        body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
        at.api.request("POST", _HOOKS, {**body, "metadata": {"name": _NAME}, "webhooks": [hook]})
        try:
            time.sleep(60)
            said = ", ".join(f"{count} × {what}" for what, count in calls.most_common(3))
            at.note(f"{sum(calls.values())} writes changed, most: {said}")
        finally:
            at.api.request("DELETE", f"{_HOOKS}/{_NAME}")
