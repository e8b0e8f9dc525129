"""The walk-through that every release must reproduce, over REST, against a portal that runs as its own processes."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from tests.house.tree import ROOT
from tests.services import wait_for

EXAMPLES = ROOT / "docs" / "examples"
LABELS = {"node0": "nodeunit1", "node1": "nodeunit2", "node2": "nodeunit2"}
GRID = "deploymentgrids/default/deploymentgrid-demo"
SERVICE = "servicegrids/default/servicegrid-demo"


@dataclass(frozen=True)
class Door:
    """REST with a token."""

    base: str
    token: str
    host: str = ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json", **headers: str
    ) -> tuple[int, Any, Message]:
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, **headers}
        if self.host:
            sent |= {"Host": self.host, "X-Forwarded-Proto": "https"}
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", body, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=75) as answer:
                data, status, found = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as error:
            data, status, found = error.read(), error.code, error.headers
        return status, json.loads(data) if data else None, found

    def get(self, path: str) -> Any:
        status, body, _ = self.ask("GET", path)
        assert status == 200, (path, status, body)
        return body

    def label(self, node: str, unit: str | None) -> None:
        body = json.dumps({"metadata": {"labels": {"zone1": unit}}}).encode()
        status, answer, _ = self.ask("PATCH", f"nodes/{node}", body)
        assert status == 200, answer

    def post(self, kind: str, path: Any) -> Any:
        status, answer, _ = self.ask("POST", kind, path.read_bytes(), "application/yaml")
        assert status == 201, answer
        return answer

    def delete(self, path: str) -> None:
        status, _, headers = self.ask("GET", path)
        assert status == 200
        status, answer, _ = self.ask("DELETE", path, **{"If-Match": headers["ETag"]})
        assert status == 202, answer

    def gone(self, path: str) -> bool:
        return self.ask("GET", path)[0] == 404


def ready_units(door: Door) -> dict[str, tuple[int, int]]:
    """`{unit: (ready, wanted)}` by the grid's own status."""
    states = (door.get(GRID).get("status") or {}).get("states") or {}
    return {unit: (each.get("readyReplicas", 0), each.get("replicas", 0)) for unit, each in states.items()}


def walk_through(door: Door) -> None:
    """Label three nodes, post both manifests, and see two sites with two pods each and one Service."""
    for node, unit in LABELS.items():
        door.label(node, unit)
    wait_for(
        lambda: {each["name"] for each in door.get("nodeunits?group=zone1")["items"]} == {*LABELS.values()}, 10, "units"
    )
    door.post("deploymentgrids", EXAMPLES / "deploymentgrid.yaml")
    door.post("servicegrids", EXAMPLES / "servicegrid.yaml")
    wait_for(lambda: ready_units(door) == {"nodeunit1": (2, 2), "nodeunit2": (2, 2)}, 75, "2/2 in both sites")
    check_endpoints(door)


def check_endpoints(door: Door) -> None:
    """Each node sees the pods of its own site, and no other."""

    def answered() -> dict[str, set[str]] | None:
        rows = door.get(f"{SERVICE}/endpoints")["items"]
        found = {row["node"]: {each["node"] for each in row["endpoints"]} for row in rows if row["node"] in LABELS}
        return found if len(found) == 3 and all(found.values()) else None

    seen = wait_for(answered, 75, "endpoints on every node")
    assert seen["node0"] == {"node0"}
    assert seen["node1"] == seen["node2"]
    assert seen["node1"] <= {"node1", "node2"}


def tidy(door: Door) -> None:
    """Delete both grids and the labels, and wait until they are gone."""
    for path in (SERVICE, GRID):
        door.delete(path)
    for path in (SERVICE, GRID):
        wait_for(lambda path=path: door.gone(path), 75, f"{path} is gone")
    for node in LABELS:
        door.label(node, None)
