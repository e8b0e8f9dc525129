"""Reads: statements, time and size of the overview and of lists, as pages and over REST, at a size of world."""

from typing import Any

from . import rows, stage

GRIDS = 10
ROUNDS = 30


READS = {
    "overview page": "/?group=site",
    "matrix page": "/matrix/?group=site",
    "grids page": "/grids/",
    "nodes page": "/nodes/",
    "overview REST": "/api/v1/overview?group=site",
    "nodes REST": "/api/v1/nodes?limit=100",
    "grids REST": "/api/v1/deploymentgrids?fields=metadata,spec,status.conditions",
}


def run(world: str = "large:2000x200") -> dict[str, Any]:
    """`{read: {queries, p50, p95, bytes, again}}`: server time in ms, bytes as compressed, and the median where nothing
    changed. In a world with ten grids, each with a child and a pod per unit; or, in rows alone, with 20 grids and ten
    pods for each node (`rows:<nodes>x<units>`)."""
    if world.startswith("rows:"):
        return _of_rows(*map(int, world.removeprefix("rows:").split("x")))
    with stage.stage(world), stage.portal():
        units = int(world.rpartition("x")[2])
        stage.save(*(stage.grid(f"grid-{number}") for number in range(GRIDS)))
        _wait_for_children(GRIDS * units)
        return _measured()


def _of_rows(nodes: int, units: int) -> dict[str, Any]:
    with stage.stage("large:1x1"):
        rows.fill(nodes, units, 20, 10 * nodes)
        return _measured()


def _measured() -> dict[str, Any]:
    client, token = _visitor()
    client.get("/")  # the cookie of its forms
    return {name: _measure(client, path, token if path.startswith("/api") else "") for name, path in READS.items()}


def _wait_for_children(count: int) -> None:
    from sgportal.models import GridUnit

    stage.wait(
        lambda: stage.settled() and GridUnit.objects.filter(state="Ready").count() == count, 400, "children", pause=0.5
    )


def _visitor() -> tuple[Any, str]:
    from django.contrib.auth import get_user_model
    from django.test import Client

    from sgportal.models import ApiToken

    user = get_user_model().objects.create_superuser("ada")
    client = Client()
    client.force_login(user)
    return client, ApiToken.issue(user, "bench", "read")[1]


def _measure(client: Any, path: str, token: str) -> dict[str, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    headers = {"Accept-Encoding": "gzip"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def read() -> Any:
        answer = client.get(path, headers=headers)
        if answer.status_code not in (200, 304):
            raise RuntimeError(f"{path} answers {answer.status_code}")
        return answer

    read()  # templates are compiled once
    with CaptureQueriesContext(connection) as queries:
        first = read()
    asked = len(queries)  # now: the next request empties the log
    times = [stage.milliseconds(read) for _ in range(ROUNDS)]
    headers["If-None-Match"] = first.headers.get("ETag", "")
    again = [stage.milliseconds(read) for _ in range(ROUNDS)]
    return {
        "queries": asked,
        "p50": stage.percentile(times, 50),
        "p95": stage.percentile(times, 95),
        "bytes": len(first.content),
        "again": stage.percentile(again, 50),
    }
