"""Pods, Kubernetes' Events and logs, from a cluster through the portal: whose they are, who may read them, and what
ends them."""

import json
import urllib.error
import urllib.request

import pytest

from sgportal.api.events.seats import Seat
from sgportal.api.pods.views import LOGS
from sgportal.models import Grant, Pod
from sgportal.reconciler.live import logs
from tests.api import builders as people
from tests.api.conftest import serving
from tests.dashboard.conftest import browser
from tests.services import wait_for

from ..world import a_grid, a_template

SCRIPT = "printf '\\033[31mred\\033[0m <b>\\007\\n' && sleep 1 && exit 3"
SERVES = a_template("img:1", 1)


class Reader:
    """Somebody who reads over REST with a token."""

    def __init__(self, server: str, token: str, language: str = "en") -> None:
        self.server, self.headers = server, {"Authorization": f"Bearer {token}", "Accept-Language": language}

    def open(self, path: str):
        return urllib.request.urlopen(
            urllib.request.Request(f"{self.server}/api/v1/{path}", headers=self.headers), timeout=75
        )

    def get(self, path: str):
        """Status and body: parsed, or text."""
        try:
            answer = self.open(path)
        except urllib.error.HTTPError as error:
            answer = error
        text = answer.read().decode()
        return answer.status, text if path.partition("?")[0].endswith("/log") and answer.status == 200 else json.loads(
            text
        )


@pytest.fixture
def portal(world, settings):
    """A real web server beside a cluster with one unit; logs are for operators."""
    settings.SGPORTAL_POD_LOGS = "operator"
    world.label("node0", zone="a")
    with serving() as address:
        yield address


@pytest.fixture
def olga(portal):
    return Reader(portal, people.token(people.user("olga", "operator"), "read"))


def crashing(**more):
    template = a_template("img:1", 1)
    template["template"]["spec"]["containers"][0].update(command=["sh", "-c", SCRIPT], **more)
    return template


def a_pod(world, grid, reason=""):
    """The grid's one pod, once it is seen, in trouble for this reason where one is given."""

    def look():
        world.resync()
        return Pod.objects.filter(child=f"{grid.name}-a", **({"reason": reason} if reason else {"ready": True})).first()

    return world.until(look)


@pytest.mark.embedded_only
def test_a_failing_pod_its_containers_its_events_and_its_log(world, olga):
    grid = world.save(a_grid("bad", template=crashing()))
    pod = a_pod(world, grid, "CrashLoopBackOff")
    (row,) = olga.get(f"pods?grid={grid.path}&unit=a")[1]["items"]
    assert (row["name"], row["reason"]) == (pod.name, "CrashLoopBackOff")
    assert olga.get(f"pods?grid={grid.path}&unit=b")[1]["items"] == []
    assert olga.get(f"pods/default/{pod.name}")[1]["cells"] == [{"grid": grid.path, "unit": "a"}]

    def waits():  # it is started again from time to time, for a second
        (container,) = olga.get(f"pods/default/{pod.name}")[1]["containers"]
        return container if container["state"]["reason"] == "CrashLoopBackOff" else None

    assert wait_for(waits, 75, "it is read while it waits")["lastState"]["exitCode"] == 3
    assert {each["reason"] for each in olga.get(f"pods/default/{pod.name}/events")[1]["items"]} >= {
        "Scheduled",
        "BackOff",
    }
    listed = browser("viewer").get(f"/pods/default/{pod.name}/events/?format=csv")
    assert (listed["Content-Type"], ",Scheduled," in listed.text) == ("text/csv; charset=utf-8", True)
    about = {each["involvedObject"]["kind"] for each in olga.get(f"cell-events?grid={grid.path}&unit=a")[1]["items"]}
    assert about >= {"Deployment", "Pod"}
    with olga.open(f"pods/default/{pod.name}/log?previous=true&timestamps=true") as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
        lines = answer.read().decode().splitlines()
    assert lines[1].endswith("Z red <b>\\x07")
    assert lines[-1].endswith("failed: exit code 3")


@pytest.mark.embedded_only
def test_a_log_is_followed_within_limits_and_left_behind(world, olga, monkeypatch):
    pod = a_pod(world, world.save(a_grid("web", template=SERVES)))
    log = f"pods/default/{pod.name}/log?follow=true&tailLines=1"
    streams = [olga.open(log) for _ in range(logs.MOST_PER_USER)]
    assert [len(streams[0].readline()) > 0 for _ in range(3)] == [True] * 3  # what is written comes as it is written
    status, problem = olga.get(log)
    assert (status, "too many logs are open" in problem["detail"]) == (429, True)
    for each in streams:
        each.close()
    wait_for(lambda: Seat.taken(LOGS) == 0, 75, "nobody is there, and nothing is kept open")
    assert olga.get(f"{log}&limitBytes=5")[1].splitlines()[-1] == "[sgportal: cut after 5 bytes]"
    monkeypatch.setattr(logs, "LIFE_SECONDS", 1.0)
    assert "ended after" in olga.get(log)[1].splitlines()[-1]
    olga.headers["Accept-Language"] = "zh-hans"
    assert "ended after" not in olga.get(log)[1].splitlines()[-1]
    wait_for(lambda: Seat.taken(LOGS) == 0, 75, "every seat is free again")


@pytest.mark.embedded_only
def test_only_pods_of_cells_are_served_and_logs_only_to_whom_they_are_for(world, portal, olga, settings):
    pod = a_pod(world, world.save(a_grid("web", template=SERVES)))
    foreign = {**SERVES["template"], "apiVersion": "v1", "kind": "Pod"}
    foreign["metadata"] = {"name": "web-secret", "namespace": "default", "labels": {"app": "other"}}
    uid = world.cluster.create(foreign)["metadata"]["uid"]
    Pod.objects.create(uid=uid, namespace="default", name="web-secret", labels={"app": "other"}, node="node0")
    for path in ("", "/log", "/events"):
        assert olga.get(f"pods/default/web-secret{path}")[0] == 404
        assert olga.get(f"pods/default/nowhere{path}")[0] == 404
    # A ServiceGrid that selects it makes it part of a cell, on a node of a NodeUnit alone.
    service = {"selector": {"app": "other"}, "ports": [{"port": 80}]}
    world.save({**a_grid("svc", template=service), "kind": "ServiceGrid"})
    assert olga.get("pods/default/web-secret")[0] == 200
    Pod.objects.filter(name="web-secret").update(node="node2")
    assert olga.get("pods/default/web-secret")[0] == 404
    log = f"pods/default/{pod.name}/log"
    assert olga.get(f"{log}?container=nobody")[0] == 422
    assert olga.get(f"{log}?tailLines=0")[0] == 422
    assert olga.get(f"{log}?previous=true")[0] == 409
    vic = Reader(portal, people.token(people.user("vic", "viewer"), "read"))
    assert (vic.get(log)[0], vic.get(f"pods/default/{pod.name}")[0]) == (403, 200)
    assert Reader(portal, "").get(log)[0] == 401
    # A role is held in a scope: a log is there for whom the role for logs is held where the pod is.
    for number, (limits, own) in enumerate(
        (({"namespaces": "default"}, 200), ({"namespaces": "elsewhere"}, 404), ({"kinds": "StatefulSetGrid"}, 404))
    ):
        person = people.user(f"limited{number}", "")
        Grant.objects.create(user=person, role="operator", **limits)
        limited = Reader(portal, people.token(person, "read"))
        assert [limited.get(path)[0] for path in (log, f"pods/default/{pod.name}")] == [own, own]
        Grant.objects.create(user=person, role="viewer")  # for everything
        limited = Reader(portal, people.token(person, "read"))
        assert [limited.get(path)[0] for path in (log, f"pods/default/{pod.name}")] == [own, 200]
    settings.SGPORTAL_POD_LOGS = "none"
    status, problem = olga.get(log)
    assert (status, "SGPORTAL_POD_LOGS" in problem["detail"]) == (403, True)


@pytest.mark.embedded_only
def test_a_cluster_that_does_not_answer_or_refuses_is_no_error_of_ours(world, olga, client):
    pod = a_pod(world, world.save(a_grid("web", template=SERVES)))
    client.force_login(people.user("oz", "operator"))
    world.embedded.faults.add("status", code=403, resource="pods")
    assert olga.get(f"pods/default/{pod.name}/log")[0] == 403
    page = client.get(f"/pods/default/{pod.name}/", headers={"host": "localhost"})
    assert (page.status_code, "docs/access/permissions.md" in page.content.decode()) == (200, True)
    world.embedded.faults.clear()
    world.embedded.unreachable(True)
    for path in ("", "/log", "/events"):
        assert olga.get(f"pods/default/{pod.name}{path}")[0] == 503
        page = client.get(f"/pods/default/{pod.name}{path}/", headers={"host": "localhost"})
        assert (page.status_code, "does not answer" in page.content.decode()) == (200, True)
    world.embedded.unreachable(False)


def test_events_and_containers_need_no_right_that_the_portal_has_not(world, olga):
    """On the real control plane as a user with the roles of deploy/rbac.yaml, who may read no logs."""
    grid = world.save(a_grid("web", template=SERVES))
    pod = a_pod(world, grid)
    (container,) = olga.get(f"pods/default/{pod.name}")[1]["containers"]
    assert (container["state"]["phase"], container["ready"]) == ("running", True)
    reasons = {each["reason"] for each in olga.get(f"cell-events?grid={grid.path}&unit=a")[1]["items"]}
    assert reasons >= {"ScalingReplicaSet", "Scheduled"}
    assert olga.get("nodes/node0/events")[0] == 200
