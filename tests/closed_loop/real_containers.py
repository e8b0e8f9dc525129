"""`python -m tests.closed_loop.real_containers`: a node with containerd, runc, the kubelet and kube-proxy, and on it
what the portal shows of containers and does to them: their states and Events, logs, commands, a closed Service, a
drain that a PodDisruptionBudget holds up. Run on demand, as root: it compiles a kubelet and wants packages of
Debian."""

import contextlib
import json
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from tests.kube import node
from tests.kube.control_plane import ControlPlane
from tests.kube.node.programs import BUSYBOX
from tests.kube.product import allow
from tests.ops.access.walk import Door
from tests.ops.runtime.processes import Portal, command_of, settings_beside
from tests.services import run_redis, wait_for

from .edge import PROCESSES, TOKEN

NODE = "machine"
GRID = "deploymentgrids/default/web"
_SERVES = """
echo begun; mkdir -p /www; hostname > /www/index.html
httpd -p 8080 -h /www
while [ ! -e /tmp/end ]; do echo tick; sleep 1; done
echo last words; exit 1
"""


def grid(name: str, image: str) -> dict[str, Any]:
    """A grid of two pods a NodeUnit."""
    container = {
        "name": "c",
        "image": image,
        "command": ["sh", "-c", _SERVES],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    pods = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    template = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": pods}
    spec = {"gridUniqKey": "zone1", "template": template}
    return {"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid", "metadata": {"name": name}, "spec": spec}


class Checks:
    """What is looked at, one after the other; each is a line, and a wrong one does not hold up the next."""

    def __init__(self, plane: ControlPlane, machine: node.Node, door: Door) -> None:
        self.plane, self.machine, self.door, self.wrong = plane, machine, door, 0

    def run(self) -> None:
        """All of them."""
        for each in (
            self.pods_run,
            self.a_pod_is_as_its_kubelet_says,
            self.commands_run,
            self.a_command_outlives_its_caller,
            self.a_log_is_followed,
            self.the_log_before,
            self.an_image_that_is_not_there,
            self.a_closed_service_answers,
            self.a_drain_waits_for_a_budget,
        ):
            try:
                said = each()
            except urllib.error.HTTPError as error:
                self.wrong += 1
                said = f"{error.code}: {error.read().decode()}   <-- NOT SO"
            except (AssertionError, OSError, LookupError, TypeError) as error:
                self.wrong += 1
                said = f"{type(error).__name__}: {error}   <-- NOT SO"
            print(f"{each.__name__.replace('_', ' ')}: {said}", flush=True)

    def pods(self, name: str = "web") -> list[dict[str, Any]]:
        """The pods of a grid, in order of name."""
        found = self.plane.request("GET", f"/api/v1/namespaces/default/pods?labelSelector=app%3D{name}")["items"]
        return sorted(
            (each for each in found if "deletionTimestamp" not in each["metadata"]), key=lambda e: e["metadata"]["name"]
        )

    def pod(self) -> str:
        """The name of one of them."""
        return str(self.pods()[0]["metadata"]["name"])

    def pods_run(self) -> str:
        self.door.label(NODE, "a")
        status, answer, _ = self.door.ask("POST", "deploymentgrids", json.dumps(grid("web", BUSYBOX)).encode())
        assert status in (201, 202), answer
        self._until_ready(2)
        return ", ".join(each["status"]["podIP"] for each in self.pods())

    def _until_ready(self, count: int) -> None:
        def found() -> bool:
            states = (self.door.get(GRID).get("status") or {}).get("states") or {}
            return [each.get("readyReplicas") for each in states.values()] == [count]

        wait_for(found, 150, f"the portal sees {count} pods ready", 0.5)

    def a_pod_is_as_its_kubelet_says(self) -> str:
        name = self.pod()
        shown = wait_for(lambda: self.door.get(f"pods/default/{name}"), 75, "the pod is shown")
        container = shown["containers"][0]
        events = wait_for(lambda: self.door.get(f"pods/default/{name}/events")["items"], 75, "its Events are shown")
        reasons = {each["reason"] for each in events}
        assert {"Scheduled", "Pulled", "Created", "Started"} <= reasons, reasons
        assert (container["image"], container["restarts"]) == (BUSYBOX, 0), container
        return f"{container['state']}; {sorted(reasons)}"

    @contextlib.contextmanager
    def command(self, *words: str) -> Iterator[HTTPResponse]:
        """The answer to a command, as it comes."""
        body = json.dumps({"command": words}).encode()
        with self._open("POST", f"pods/default/{self.pod()}/exec", body) as answer:
            yield answer

    def _open(self, method: str, path: str, body: bytes | None = None) -> HTTPResponse:
        headers = {"Authorization": f"Bearer {self.door.token}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.door.base}/api/v1/{path}", body, headers, method=method)
        return urllib.request.urlopen(asked, timeout=75)

    def lines(self, *words: str) -> list[dict[str, Any]]:
        """All lines of the answer to a command."""
        with self.command(*words) as answer:
            return [json.loads(each) for each in answer]

    def commands_run(self) -> str:
        *said, end = self.lines("sh", "-c", "echo out; echo err >&2; cat; exit 3")
        texts = {stream: "".join(e["text"] for e in said if e["stream"] == stream) for stream in ("stdout", "stderr")}
        assert texts == {"stdout": "out\n", "stderr": "err\n"}, texts
        assert (end["ended"]["reason"], end["ended"]["exitCode"]) == ("exit", 3), end
        (none,) = self.lines("nothing-such")
        assert none["ended"]["reason"] == "failed", none
        many = self.lines("sh", "-c", "yes | head -c 3000000")
        assert many[-1]["ended"]["reason"] == "output", many[-1]
        return f"{end['ended']}, {none['ended']}, {many[-1]['ended']}"

    def a_command_outlives_its_caller(self) -> str:
        """What becomes of a command whose caller has gone is the runtime's affair, of which docs/access tells."""
        with self.command("sh", "-c", "echo begun; sleep 4711; echo over") as answer:
            assert b"begun" in answer.readline()
            assert self._processes("sleep 4711"), "the command does not run"
        wait_for(lambda: self._audited("left"), 75, "the portal has noticed", 0.5)
        runs = self._processes("sleep 4711")
        self.lines("sh", "-c", "kill $(pidof sleep)")
        return "runs on" if runs else "has ended"

    def _audited(self, reason: str) -> bool:
        """Whether the audit log has the end of a command for this reason."""
        found = self.door.get("audit")["items"]
        return any(each["verb"] == "exec-ended" and reason in json.dumps(each) for each in found)

    def _processes(self, text: str) -> bool:
        """Whether a process of the container has this in its command line; this one does not."""
        said = "".join(each.get("text", "") for each in self.lines("ps", "-o", "args"))
        return text in said

    def a_log_is_followed(self) -> str:
        name = self.pod()
        with self._open("GET", f"pods/default/{name}/log?follow=true&tailLines=1") as log:
            followed = [log.readline().decode().strip() for _ in range(3)]
        with self._open("GET", f"pods/default/{name}/log") as log:
            whole = log.read().decode().splitlines()
        assert whole[0] == "begun", whole[:3]
        assert followed[-2:] == ["tick", "tick"], followed
        return f"{followed}"

    def the_log_before(self) -> str:
        name = self.pod()
        self.lines("touch", "/tmp/end")

        def again() -> Any:
            container = self.door.get(f"pods/default/{name}")["containers"][0]
            return container["restarts"] and container

        shown = wait_for(again, 150, "the container has begun anew", 0.5)
        with self._open("GET", f"pods/default/{name}/log?previous=true") as log:
            before = log.read().decode().splitlines()
        assert before[0] == "begun", before
        assert before[-1] == "last words", before
        self._until_ready(2)
        return f"{shown['restarts']} restart, {before[-1]!r}"

    def an_image_that_is_not_there(self) -> str:
        body = json.dumps(grid("lost", "registry.invalid/lost:1")).encode()
        status, answer, _ = self.door.ask("POST", "deploymentgrids", body)
        assert status in (201, 202), answer

        def cause() -> Any:
            for each in self.pods("lost"):
                status, shown, _ = self.door.ask("GET", f"pods/default/{each['metadata']['name']}")
                if status == 200 and "Image" in json.dumps(shown["containers"][0]["state"]):  # else not seen yet
                    return shown["containers"][0]["state"]
            return None

        state = wait_for(cause, 150, "the portal says that the image cannot be had", 0.5)
        self.door.delete("deploymentgrids/default/lost")
        return f"{state}"

    def a_closed_service_answers(self) -> str:
        template = {"selector": {"app": "web"}, "ports": [{"protocol": "TCP", "port": 80, "targetPort": 8080}]}
        spec = {"gridUniqKey": "zone1", "template": template, "closure": {"mode": "strict"}}
        body = {"apiVersion": "superedge.io/v1", "kind": "ServiceGrid", "metadata": {"name": "web"}, "spec": spec}
        status, answer, _ = self.door.ask("POST", "servicegrids", json.dumps(body).encode())
        assert status in (201, 202), answer
        path = "/api/v1/namespaces/default/services/web-svc"
        address = self.plane.wait(lambda: self.plane.get(path), 75, "the Service")["spec"]["clusterIP"]
        wait_for(lambda: self._calls(address), 75, "the Service answers", 0.5)
        met = {self._calls(address) for _ in range(20)}
        assert met == {each["metadata"]["name"] for each in self.pods()}, met
        shown = self.door.get("servicegrids/default/web/endpoints")["items"]
        (row,) = [each for each in shown if each["node"] == NODE]
        assert (row["state"], {each["pod"] for each in row["endpoints"]}) == ("closed", met), row
        return f"{row['state']}, met {sorted(met)}"

    def _calls(self, address: str) -> str:
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.machine.call(f"http://{address}/").strip()
        return ""

    def a_drain_waits_for_a_budget(self) -> str:
        budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
        self.plane.request("POST", budgets, {"metadata": {"name": "web"}, "spec": spec})
        counted = f"{budgets}/web"
        wait_for(lambda: (self.plane.get(counted) or {}).get("status", {}).get("currentHealthy") == 2, 75, "counted")
        before = {each["metadata"]["uid"] for each in self.pods()}
        status, job, _ = self.door.ask("POST", "nodes/drain", json.dumps({"nodes": [NODE]}).encode())
        assert status == 202, job
        held = wait_for(lambda: self._blocked(job["id"]), 75, "the job says that a budget holds it up", 0.5)
        assert before == {each["metadata"]["uid"] for each in self.pods()}, "a pod went though its budget forbids it"
        self.plane.request("DELETE", counted)
        wait_for(lambda: not before & {e["metadata"]["uid"] for e in self.pods()}, 150, "the pods have gone", 0.5)
        ended = wait_for(lambda: self._moved(job["id"], held["state"]), 150, "the drain has ended", 0.5)
        self.door.ask("POST", "nodes/uncordon", json.dumps({"nodes": [NODE]}).encode())
        self._until_ready(2)
        return f"first {held['state']}, then {ended['state']}"

    def _blocked(self, job: int) -> Any:
        found = self.door.get(f"jobs/{job}")
        return "isruption" in json.dumps(found) and found

    def _moved(self, job: int, state: str) -> Any:
        """A job, once it is in another state than this."""
        found = self.door.get(f"jobs/{job}")
        return found["state"] != state and found


def main() -> None:
    """Ends with 1 where something is not so."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as opened:
        folder = Path(place)
        plane, machine = opened.enter_context(node.run(folder, NODE))
        redis = opened.enter_context(run_redis(folder))
        kubeconfig = allow(plane, "pod-exec.yaml", "pod-logs.yaml")
        more = {"SGPORTAL_EXEC": "operator", "SGPORTAL_POD_LOGS": "operator"}
        portal = Portal(folder, settings_beside(folder, kubeconfig, redis.url) | more)
        opened.callback(portal.stop)
        portal.migrate()
        door = Door(f"http://127.0.0.1:{portal.settings['UVICORN_PORT']}", portal.python(TOKEN))
        for name in PROCESSES:
            portal.start(name, command_of(name))
        wait_for(lambda: _seen(door), 150, "the portal sees the node", 0.5)
        checks = Checks(plane, machine, door)
        checks.run()
        raise SystemExit(bool(checks.wrong))


def _seen(door: Door) -> bool:
    with contextlib.suppress(OSError):
        return bool(door.ask("GET", "nodes")[1]["items"])
    return False


if __name__ == "__main__":
    main()
