"""Commands in containers, from a cluster through the portal: who may run which, what is left of it, what ends one."""

import json
import urllib.error
import urllib.request

import pytest

from sgportal.api.events.seats import Seat
from sgportal.api.pods.commands import COMMANDS
from sgportal.models import AuditEvent, Grant
from sgportal.reconciler.live import commands
from tests.api import builders as people
from tests.api.conftest import serving
from tests.services import wait_for

from ..world import a_grid, a_template
from .test_pods import a_pod

pytestmark = pytest.mark.embedded_only
SERVES = a_template("img:1", 1)
LONG = ["sh", "-c", "echo begun; sleep 600"]


class Runner:
    """Somebody who runs commands over REST with a token."""

    def __init__(self, server, name, role, scope="write", **limits):
        self.server, self.person = server, people.user(name, "" if limits else role)
        if limits:
            Grant.objects.create(user=self.person, role=role, **limits)
        self.log_in(scope)

    def log_in(self, scope="write"):
        """With a token of what the person may do now."""
        self.headers = {"Authorization": f"Bearer {people.token(self.person, scope)}", "Accept-Language": "en"}

    def open(self, pod, command, **more):
        body = json.dumps({"command": command, **more}).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        address = f"{self.server}/api/v1/pods/default/{pod}/exec"
        return urllib.request.urlopen(urllib.request.Request(address, body, headers, method="POST"), timeout=75)

    def run(self, pod, command, **more):
        """Status, and the lines of the answer, or the problem."""
        try:
            with self.open(pod, command, **more) as answer:
                return answer.status, [json.loads(line) for line in answer]
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture
def portal(world, settings):
    settings.SGPORTAL_EXEC = "operator"
    world.label("node0", zone="a")
    with serving() as address:
        yield address


@pytest.fixture
def pod(world, portal):
    return a_pod(world, world.save(a_grid("web", template=SERVES)))


def trail(verb):
    return [
        (each.actor, each.path, each.before, each.after) for each in AuditEvent.objects.filter(verb=verb).order_by("pk")
    ]


def ended(count):
    """How commands ended, once the audit log has so many."""
    return wait_for(lambda: (found := trail("exec-ended")) and len(found) >= count and found, 75, "it is written down")


def test_what_a_command_writes_and_how_it_ends_is_told_and_its_audit_entries_stay(portal, pod):
    olga = Runner(portal, "olga", "operator")
    script = ["sh", "-c", "echo '\x1b[31mred\x1b[0m <b>'; echo no >&2; exit 3"]
    status, lines = olga.run(pod.name, script)
    assert (status, lines[:2]) == (
        200,
        [{"stream": "stdout", "text": "red <b>\n"}, {"stream": "stderr", "text": "no\n"}],
    )
    told = lines[2]["ended"]
    assert (told["reason"], told["exitCode"], told["message"]) == ("exit", 3, "")
    asked = {"pod": f"default/{pod.name}", "node": "node0", "container": "c", "command": script}
    assert trail("exec") == [("olga", "deploymentgrids/default/web#a", None, asked)]
    (entry,) = ended(1)
    assert entry[:3] == ("olga", "deploymentgrids/default/web#a", asked)
    assert entry[3] == {"ended": "exit", "exitCode": 3, "seconds": told["seconds"]}
    status, lines = olga.run(pod.name, ["nslookup", "web"], container="c")
    assert (status, lines[0]["ended"]["reason"], lines[0]["ended"]["exitCode"]) == (200, "failed", None)
    assert "not found in $PATH" in lines[0]["ended"]["message"]
    wait_for(lambda: Seat.taken(COMMANDS) == 0, 75, "every seat is free again")


def test_what_is_no_command_is_refused_by_field_and_leaves_nothing(portal, pod):
    olga = Runner(portal, "olga", "operator")
    for body, field in (
        ({"command": []}, "/command"),
        ({"command": "ls"}, "/command"),
        ({"command": ["x" * 5000]}, "/command"),
        ({"command": ["ls"] * 65}, "/command"),
        ({"command": ["ls"], "container": "none"}, "/container"),
        ({"command": ["ls"], "tty": True}, "/tty"),
    ):
        status, problem = olga.run(pod.name, body.pop("command"), **body)
        assert (status, problem["errors"][0]["pointer"]) == (422, field), problem
    assert trail("exec") == []


def test_who_may_run_commands_and_where(portal, pod, settings):
    assert Runner(portal, "olga", "operator").run(pod.name, ["true"])[0] == 200
    assert Runner(portal, "vic", "viewer").run(pod.name, ["true"])[0] == 403
    assert Runner(portal, "rita", "operator", "read").run(pod.name, ["true"])[0] == 403
    for number, (limits, own) in enumerate(
        (({"namespaces": "default"}, 200), ({"namespaces": "elsewhere"}, 404), ({"kinds": "StatefulSetGrid"}, 404))
    ):
        limited = Runner(portal, f"limited{number}", "operator", **limits)
        assert limited.run(pod.name, ["true"])[0] == own
        Grant.objects.create(user=limited.person, role="viewer")  # for everything
        limited.log_in()
        assert limited.run(pod.name, ["true"])[0] == own
    settings.SGPORTAL_EXEC = "admin"
    assert Runner(portal, "omar", "operator").run(pod.name, ["true"])[0] == 403
    assert Runner(portal, "ada", "admin").run(pod.name, ["true"])[0] == 200
    settings.SGPORTAL_EXEC = "none"
    status, problem = Runner(portal, "root", "admin").run(pod.name, ["true"])
    assert (status, "SGPORTAL_EXEC" in problem["detail"]) == (403, True)
    assert {actor for actor, *_ in trail("exec")} == {"olga", "limited0", "ada"}


def test_a_command_ends_with_whoever_asked_and_at_its_limits(portal, pod, monkeypatch):
    olga = Runner(portal, "olga", "operator")
    streams = [olga.open(pod.name, LONG) for _ in range(commands.MOST_PER_USER)]
    assert [json.loads(each.readline())["text"] for each in streams] == ["begun\n"] * len(streams)
    status, problem = olga.run(pod.name, ["true"])
    assert (status, "too many commands are running" in problem["detail"]) == (429, True)
    assert trail("exec-ended") == []  # each is known before it ends
    for each in streams:
        each.close()
    assert [how["ended"] for *_, how in ended(2)] == ["left", "left"]
    wait_for(lambda: Seat.taken(COMMANDS) == 0, 75, "nobody is there, and nothing is kept open")
    monkeypatch.setattr(commands, "MOST_BYTES", 5)
    assert olga.run(pod.name, ["echo", "123456789"])[1][-1]["ended"]["reason"] == "output"
    monkeypatch.undo()
    monkeypatch.setattr(commands, "IDLE_SECONDS", 0.5)
    assert olga.run(pod.name, LONG)[1][-1]["ended"]["reason"] == "silence"
    monkeypatch.undo()
    monkeypatch.setattr(commands, "LIFE_SECONDS", 0.5)
    last = olga.run(pod.name, LONG)[1][-1]["ended"]
    assert (last["reason"], "cut off after" in last["message"]) == ("time", True)
    assert [how["ended"] for *_, how in ended(5)[2:]] == ["output", "silence", "time"]


def test_a_pod_that_goes_and_a_cluster_that_does_not_answer(world, portal, pod):
    olga = Runner(portal, "olga", "operator")
    world.embedded.faults.add("status", code=403, path="/exec$")
    assert olga.run(pod.name, ["true"])[0] == 403
    assert ended(1)[0][3]["ended"] == "refused"
    world.embedded.faults.clear()
    with olga.open(pod.name, LONG) as answer:
        assert json.loads(answer.readline())["text"] == "begun\n"
        world.embedded.unreachable(True)
        assert [json.loads(line)["ended"]["reason"] for line in answer] == ["broken"]
    assert olga.run(pod.name, ["true"])[0] == 503
    world.embedded.unreachable(False)
    with olga.open(pod.name, LONG) as answer:
        assert json.loads(answer.readline())["text"] == "begun\n"
        world.cluster.delete("Pod", "default", pod.name)
        (last,) = [json.loads(line)["ended"] for line in answer]
    assert (last["reason"], last["exitCode"]) == ("exit", 137)
    assert [how["ended"] for *_, how in ended(3)] == ["refused", "broken", "exit"]
    assert olga.run(pod.name, ["true"])[0] == 404
