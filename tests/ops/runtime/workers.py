"""A portal with a database, a broker and workers of its own, for tests that take one of them away."""

import contextlib
import functools
import json
import os
import re
import signal
import sqlite3
import time
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

from tests.services import free_port, wait_for

from .processes import SQLITE, Portal, command_of

CREATE = """
from sgportal.actions import Actor, save_grids
def grid(number):
    labels = {{"app": f"g{{number}}"}}
    pod = {{"metadata": {{"labels": labels}}, "spec": {{"containers": [{{"name": "c", "image": "i"}}]}}}}
    template = {{"replicas": 1, "selector": {{"matchLabels": labels}}, "template": pod}}
    return {{"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid",
            "metadata": {{"name": f"g{{number}}", "namespace": "default"}},
            "spec": {{"gridUniqKey": "site", "template": template}}}}
save_grids([grid(number) for number in range({first}, {last})], Actor("test", "shell"))
"""
WAITING = "SELECT count(*) FROM sgportal_workkey WHERE key NOT LIKE 'duties/%' AND requested > done"
READY = "SELECT count(*) FROM sgportal_gridunit WHERE state = 'Ready'"
TOKEN = """
from django.contrib.auth import get_user_model
from sgportal.models import ApiToken
print(ApiToken.issue(get_user_model().objects.create_superuser('ada'), 'test', 'write')[1])
"""


class World:
    """A portal on an embedded cluster with so many units."""

    def __init__(self, folder: Path, cluster: Any, units: int, database: str, broker: str, **more: str) -> None:
        self.cluster, self.units, self.port = cluster, units, free_port()
        self.portal = Portal(
            folder,
            {
                "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
                "DATABASE_URL": database,
                "CELERY_BROKER_URL": broker,
                "SGPORTAL_CLUSTER": "demo",
                "SGPORTAL_DEMO_KUBECONFIG": str(cluster.kubeconfig_path),
                "SGPORTAL_TLS": "0",
                "SGPORTAL_STATIC_FROM_SOURCE": "1",
                "UVICORN_HOST": "127.0.0.1",
                "UVICORN_PORT": str(self.port),
                **more,
            },
        )
        self.portal.migrate()

    @functools.cached_property
    def token(self) -> str:
        """An administrator's."""
        return self.portal.python(TOKEN)

    def start(self, *services: str) -> None:
        """Start services by the commands of the compose file; `worker`, `worker2` are both workers."""
        for name in services:
            self.portal.start(name, command_of(re.sub(r"\d+$", "", name)))

    def create(self, first: int, last: int) -> None:
        """Save grids g<first> to g<last - 1>."""
        self.portal.python(CREATE.format(first=first, last=last))

    def deployments(self) -> list[str]:
        store = self.cluster.store
        return self.cluster.call(lambda: [each["metadata"]["name"] for each in store.each("deployments.apps")])

    def settled(self, grids: int) -> bool:
        """Whether so many grids have all their children, and nothing is left to do."""
        if len(self.deployments()) != grids * self.units:
            return False
        return self.rows(f"SELECT ({WAITING}), ({READY})") == [(0, grids * self.units)]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What its database answers, without a process of the product, which takes seconds to start."""
        url = self.portal.settings["DATABASE_URL"]
        if url.startswith(SQLITE):
            with contextlib.closing(sqlite3.connect(url.removeprefix(SQLITE), timeout=75)) as link:
                return link.execute(statement).fetchall()
        with psycopg.connect(url, autocommit=True) as link:
            return link.execute(statement).fetchall()

    def hold(self, after: int) -> None:
        """Answer so many writes of a Deployment; hold all later ones until the faults are cleared."""
        writes = {"methods": ("PATCH", "PUT"), "path": "/deployments/"}
        self.cluster.faults.add("delay", count=after, **writes)
        self.cluster.faults.add("hold", **writes)

    def is_holding(self) -> bool:
        """Whether a write is held."""
        return any(each.effect == "hold" and each.struck for each in self.cluster.faults.rules)

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer of the web process."""
        head = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, head)
        try:
            with urllib.request.urlopen(request, timeout=75) as answer:
                return answer.status, _read(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _read(refused)

    def checks(self, query: str = "") -> dict[str, Any]:
        """What `/readyz` says."""
        return self.ask(f"/readyz{query}")[1]["checks"]

    def web(self) -> None:
        """Start the web process and wait for it."""
        self.start("web")
        wait_for(lambda: "running on" in self.portal.log("web"), 75, "the web listens")

    def children(self, name: str = "worker") -> list[int]:
        """The processes that a worker's supervisor has begun."""
        return children_of(self.portal.running[name].pid)


def _read(answer: Any) -> Any:
    text = answer.read().decode()
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text


def children_of(pid: int) -> list[int]:
    """The processes that one has begun and that live."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether a process runs and is not one that nobody has buried yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill(pid: int) -> float:
    """End a process as a power cut would; when that was."""
    os.kill(pid, signal.SIGKILL)
    return time.monotonic()
