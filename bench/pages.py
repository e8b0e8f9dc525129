"""Reads: queries and time of the overview and the list of nodes, as pages and over REST, at a size of world."""

from typing import Any

from . import stage

GRIDS = 10
ROUNDS = 30


def run(world: str = "large:2000x200") -> dict[str, Any]:
    """`{read: {queries, p50, p95, bytes}}` in a world with ten grids, each with a child and a pod per unit."""
    with stage.stage(world), stage.portal():
        units = int(world.rpartition("x")[2])
        stage.save(*(stage.grid(f"grid-{number}") for number in range(GRIDS)))
        _wait_for_children(GRIDS * units)
        client, token = _visitor()
        reads = {
            "overview page": "/?group=site",
            "nodes page": "/nodes/",
            "overview REST": "/api/v1/overview?group=site",
            "nodes REST": "/api/v1/nodes?limit=100",
        }
        return {name: _measure(client, path, token if path.startswith("/api") else "") for name, path in reads.items()}


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

    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def read() -> Any:
        answer = client.get(path, headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answers {answer.status_code}")
        return answer

    read()  # templates are compiled once
    with CaptureQueriesContext(connection) as queries:
        size = len(read().content)
    asked = len(queries)  # now: the next request empties the log
    times = [stage.milliseconds(read) for _ in range(ROUNDS)]
    return {
        "queries": asked,
        "p50": stage.percentile(times, 50),
        "p95": stage.percentile(times, 95),
        "bytes": size,
    }
