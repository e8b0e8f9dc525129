"""What people and machines ask for while a fault is there: edits, creations, deletions and labels, through the portal
and beside it; and what was answered."""

import json
import random
import threading
import urllib.error
from collections import Counter
from collections.abc import Callable
from typing import Any

import urllib3

from .api import GRIDS, Api
from .comparison import Snapshot, Wish, Wishes
from .snapshot import KEY

EDITED = ("busy-0", "beside")
PAUSE = 0.4  # seconds between two requests
Headers = dict[str, str]
Key = tuple[str, str]


def image(number: int) -> str:
    """The image of a grid's revision."""
    return f"registry.example/app:{number}"


def manifest(kind: str, name: str, number: int = 1) -> dict[str, Any]:
    """A DeploymentGrid or StatefulSetGrid with one pod in each unit."""
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image(number)}]}}
    template = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    if kind == "StatefulSetGrid":
        template["serviceName"] = name
    metadata = {"name": name, "namespace": "default"}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"gridUniqKey": KEY, "template": template},
    }


def service(name: str, app: str) -> dict[str, Any]:
    """A ServiceGrid that keeps traffic within units."""
    template = {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGrid",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"gridUniqKey": KEY, "closure": {"mode": "strict"}, "template": template},
    }


class NoAnswer(Exception):
    """Nobody knows whether it was done."""


class Door:
    """The portal's REST API behind a balancer: a web process that cannot be connected to is passed over."""

    def __init__(self, bases: list[str], token: Callable[[], str]) -> None:
        self.bases, self._token = bases, token
        self._pool = urllib3.PoolManager(retries=False, maxsize=4)
        self.answers: Counter[str] = Counter()
        self._next = 0

    def ask(self, method: str, path: str, body: Any = None, **more: str) -> tuple[int, Any, Any]:
        """Status, JSON and headers. Raises NoAnswer."""
        data = None if body is None else json.dumps(body).encode()
        head = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json", **more}
        for _ in self.bases:
            self._next += 1
            base = self.bases[self._next % len(self.bases)]
            try:
                answer = self._pool.request(method, f"{base}/api/v1/{path}", body=data, headers=head, timeout=20)
            except urllib3.exceptions.NewConnectionError:
                continue
            except urllib3.exceptions.HTTPError as error:
                self.answers["none"] += 1
                raise NoAnswer(str(error)) from error
            self.answers[str(answer.status)] += 1
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(answer.data) if is_json and answer.data else None, answer.headers
        self.answers["refused"] += 1
        return 503, None, {}


class Work:
    """Asks for one thing after the other, in a thread, until it is stopped. `wishes` is what must be so then."""

    def __init__(
        self, door: Door, api: Api, before: Snapshot, spares: list[str], tag: str, goes_on: threading.Event
    ) -> None:
        self._door, self._api, self._tag, self._goes_on = door, api, tag, goes_on
        self._spares, self._units = spares, sorted(before.units)
        self._wishes = {("Node", each): Wish(before.nodes[each]) for each in spares}
        edited = [("DeploymentGrid", name) for name in EDITED]
        self._wishes |= {key: Wish(before.grids[key].image) for key in edited if key in before.grids}
        self._numbers: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="work")
        self.beside: Counter[str] = Counter()
        self.refused: list[str] = []

    @property
    def wishes(self) -> Wishes:
        """What was asked for, by kind and name."""
        return self._wishes

    def __enter__(self) -> "Work":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        turn, random_ = 0, random.Random(self._tag)
        steps: list[Callable[[], None]] = [
            lambda: self._edit("busy-0"),
            lambda: self._label(random_.choice(self._spares)),
            lambda: self._create(f"new-{self._tag}-{turn}"),
            lambda: self._edit_beside("beside"),
            lambda: self._delete_one(),
        ]
        while not self._stop.is_set():
            if self._goes_on.is_set():
                steps[turn % len(steps)]()
                turn += 1
            self._stop.wait(PAUSE)

    def _agreed(self, key: Key, value: str | None) -> None:
        self._wishes[key] = Wish(value)

    def _unknown(self, key: Key, value: str | None) -> None:
        wish = self._wishes.get(key, Wish(None))
        self._wishes[key] = Wish(wish.agreed, (*wish.unanswered, value))

    def _ask(self, key: Key, value: str | None, *request: Any, **more: str) -> None:
        """Ask the portal for something, and remember what was said."""
        try:
            status, answer, _ = self._door.ask(*request, **more)
        except NoAnswer:
            self._unknown(key, value)
            return
        if status < 300:
            self._agreed(key, value)
        elif status >= 500:
            self._unknown(key, value)
        elif status not in (404, 409, 412, 429):
            self.refused.append(f"{request[0]} {request[1]}: {status} {answer}")

    def _edit(self, name: str) -> None:
        path, number = f"deploymentgrids/default/{name}", self._numbers[name] + 1
        try:
            status, body, headers = self._door.ask("GET", path)
        except NoAnswer:
            return
        if status != 200:
            return
        self._numbers[name] = number
        pod = body["spec"]["template"]["template"]["spec"]["containers"][0]
        pod["image"] = f"registry.example/{self._tag}:{number}"
        key = ("DeploymentGrid", name)
        self._ask(key, pod["image"], "PUT", path, body, **{"If-Match": headers["ETag"]})

    def _create(self, name: str) -> None:
        key = ("DeploymentGrid", name)
        self._ask(key, image(1), "POST", "deploymentgrids", manifest("DeploymentGrid", name))

    def _delete_one(self) -> None:
        """Delete the oldest of what was made here, while there are more than three."""
        sure = [key for key, wish in self._wishes.items() if wish.agreed and not wish.unanswered]
        made = [key for key in sure if key[1].startswith("new-")]
        if len(made) <= 3:
            return
        path = f"deploymentgrids/default/{made[0][1]}"
        try:
            status, _, headers = self._door.ask("GET", path)
        except NoAnswer:
            return
        if status == 200:
            self._ask(made[0], None, "DELETE", path, **{"If-Match": headers["ETag"]})

    def _label(self, node: str) -> None:
        unit = random.choice(self._units)
        body = {"metadata": {"labels": {KEY: unit}}}
        self._ask(("Node", node), unit, "PATCH", f"nodes/{node}", body)

    def _edit_beside(self, name: str) -> None:
        """Somebody edits the custom resource, as kubectl does."""
        self._numbers[name] += 1
        value = f"registry.example/{self._tag}:{self._numbers[name]}"
        place = "/spec/template/template/spec/containers/0/image"
        patch = [{"op": "replace", "path": place, "value": value}]
        try:
            path = f"{GRIDS}/deploymentgrids/{name}"
            self._api.request("PATCH", path, patch, "application/json-patch+json")
        except urllib.error.HTTPError as error:
            self.beside[str(error.code)] += 1
        except OSError:
            self.beside["none"] += 1
            self._unknown(("DeploymentGrid", name), value)
        else:
            self.beside["200"] += 1
            self._agreed(("DeploymentGrid", name), value)
