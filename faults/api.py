"""A client of the API server of its own, so that nothing of the product says how the product did."""

import base64
import io
import json
import tempfile
import urllib.error
from email.message import Message
from pathlib import Path
from typing import Any

import urllib3
import yaml

MERGE = "application/merge-patch+json"
GRIDS = "/apis/superedge.io/v1/namespaces/default"


class Api:
    """An API server as the user of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        said = yaml.safe_load(kubeconfig.read_text())
        cluster, user = said["clusters"][0]["cluster"], said["users"][0]["user"]
        self.server: str = cluster["server"]
        self._head = {"Authorization": f"Bearer {user['token']}"}
        self._pool = urllib3.PoolManager(ca_certs=_authority(cluster), retries=False, maxsize=8)

    def request(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        """The JSON of an answer, or its text. Raises urllib.error.HTTPError, OSError where there is none."""
        data = None if body is None else json.dumps(body).encode()
        head = {**self._head, "Content-Type": content}
        try:
            answer = self._pool.request(method, self.server + path, body=data, headers=head, timeout=30)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        if answer.status >= 400:
            raise urllib.error.HTTPError(path, answer.status, answer.reason or "", Message(), io.BytesIO(answer.data))
        return json.loads(answer.data) if answer.data[:1] == b"{" else answer.data.decode()

    def list(self, path: str) -> list[dict[str, Any]]:
        """The objects of a collection."""
        items: list[dict[str, Any]] = self.request("GET", path)["items"]
        return items


def _authority(cluster: dict[str, Any]) -> str | None:
    """The path of the certificate that the server's is signed with."""
    if "certificate-authority-data" not in cluster:
        return cluster.get("certificate-authority")
    with tempfile.NamedTemporaryFile(suffix=".crt", delete=False) as kept:
        kept.write(base64.b64decode(cluster["certificate-authority-data"]))
    return kept.name


def through(kubeconfig: Path, port: int, made: Path) -> Path:
    """The same kubeconfig, with the server reached at another port of this machine."""
    said = yaml.safe_load(kubeconfig.read_text())
    cluster = said["clusters"][0]["cluster"]
    cluster["server"] = f"{cluster['server'].partition(':')[0]}://127.0.0.1:{port}"
    made.write_text(yaml.safe_dump(said))
    made.chmod(0o600)
    return made
