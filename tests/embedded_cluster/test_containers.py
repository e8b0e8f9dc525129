"""Containers that end, wait or cannot be made: what a kubelet says of them, from their images and commands."""

import math

import pytest

from embedded_cluster.nodes.programs import NEVER, End, end_of, is_image
from embedded_cluster.objects.quantities import parse, qos_class, total, written
from embedded_cluster.server.sockets import frames
from embedded_cluster.tables.pods import pod as cells

from .conftest import APPS, CORE, deploy, is_ready, pods

SHELL = ["sh", "-c"]


def run(server, name="p", policy="Always", **spec):
    spec = {"restartPolicy": policy, **spec}
    made = server("POST", f"{CORE}/pods", {"metadata": {"name": name}, "spec": spec})
    assert made.status == 201, made
    return f"{CORE}/pods/{name}"


def box(name="c", **more):
    return {"name": name, "image": "img:1", **more}


def told(server, path, word):
    """The pod, once `kubectl get pods` shows this as its status."""
    return server.until(lambda: (body := server("GET", path).body) and cells(body)[1] == word and body)


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (["false"], End(0, 1)),
        (["/bin/true"], End(0)),
        ([*SHELL, "exit 3"], End(0, 3)),
        (["/bin/bash", "-ec", "echo hi; sleep 2 && exit 1"], End(2, 1)),
        ([*SHELL, "false && sleep 9; true"], End(0)),
        ([*SHELL, "false || exit 7"], End(0, 7)),
        ([*SHELL, "while true; do sleep 1; done"], NEVER),
        ([*SHELL, "echo hi | nc -l 80"], NEVER),
        (["sleep", "5m"], End(300)),
        (["nginx", "-g", "daemon off;"], NEVER),
    ],
)
def test_what_ends_by_itself_is_known_by_its_command(command, end):
    assert end_of(box(command=command)) == end
    assert end_of(box(args=command)) == end


def test_other_ends():
    assert math.isinf(end_of(box(command=["sleep", "infinity"])).seconds)
    assert end_of(box(command=["exit", "1"])).word == "StartError"
    assert end_of({"name": "c", "image": "docker.io/library/busybox:1.36"}) == End(0)
    assert end_of(box(command=[*SHELL, "echo 'no end"])) is NEVER


@pytest.mark.parametrize(
    ("image", "good"),
    [("nginx", True), ("r.example:5000/a/b_c:V1", True), ("Nginx", False), ("a//b", False), ("a b", False)],
)
def test_images_are_known_by_their_names(image, good):
    assert is_image(image) == good


def test_a_container_that_ends_again_and_again_backs_off(server):
    pod = told(server, run(server, containers=[box(command=["false"])]), "CrashLoopBackOff")
    status = pod["status"]["containerStatuses"][0]
    uid = pod["metadata"]["uid"]
    assert status["state"]["waiting"]["message"] == f"back-off 10s restarting failed container=c pod=p_default({uid})"
    assert (status["restartCount"], status["ready"]) == (1, False)
    last = status["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (1, "Error")
    assert (pod["status"]["phase"], cells(pod)[0]) == ("Running", "0/1")
    unready = next(each for each in pod["status"]["conditions"] if each["type"] == "Ready")
    assert unready["message"] == "containers with unready status: [c]"
    again = server.until(lambda: _restarted(server, 2))
    assert "back-off 20s" in again["state"]["waiting"]["message"]
    events = server("GET", f"{CORE}/events?fieldSelector=reason%3DBackOff").body["items"]
    assert events[0]["message"] == f"Back-off restarting failed container c in pod p_default({uid})"


def _restarted(server, count):
    status = server("GET", f"{CORE}/pods/p").body["status"]["containerStatuses"][0]
    return status if status["restartCount"] == count and "waiting" in status["state"] else None


def test_a_container_is_ready_until_it_ends(server):
    path = run(server, containers=[box(command=[*SHELL, "sleep 2; exit 4"])])
    server.until(lambda: is_ready(server("GET", path).body), 2)
    ended = server.until(lambda: _last(server, path))
    assert ended["exitCode"] == 4


def _last(server, path):
    return server("GET", path).body["status"]["containerStatuses"][0]["lastState"].get("terminated")


def test_a_deployment_of_such_containers_is_never_available(server):
    deploy(server, "loop", replicas=1, wait=False, containers=[box(command=["false"])])
    server.until(lambda: [p for p in pods(server, app="loop") if cells(p)[1] == "CrashLoopBackOff"])
    assert "availableReplicas" not in server("GET", f"{APPS}/deployments/loop").body["status"]


@pytest.mark.parametrize(("code", "phase", "word"), [("0", "Succeeded", "Completed"), ("5", "Failed", "Error")])
def test_a_pod_that_is_not_started_again_is_over(server, code, phase, word):
    path = run(server, policy="Never", containers=[box(command=[*SHELL, f"exit {code}"])])
    pod = told(server, path, word)
    assert pod["status"]["phase"] == phase
    assert {each["reason"] for each in pod["status"]["conditions"] if each["type"] == "Ready"} == {
        f"Pod{'Completed' if code == '0' else 'Failed'}"
    }


@pytest.mark.parametrize(
    ("first", "word"),
    [
        ([box("i", command=["false"])], "Init:CrashLoopBackOff"),
        ([box("i", image="fail.sgportal.test/x:1")], "Init:ImagePullBackOff"),
        ([box("a"), box("i", command=["sleep", "infinity"])], "Init:1/2"),
    ],
)
def test_containers_wait_for_those_that_come_first(server, first, word):
    pod = told(server, run(server, initContainers=first, containers=[box()]), word)
    assert pod["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    condition = next(each for each in pod["status"]["conditions"] if each["type"] == "Initialized")
    assert (condition["status"], condition["message"]) == ("False", "containers with incomplete status: [i]")
    assert pod["status"]["phase"] == "Pending"


def test_a_sidecar_runs_beside(server):
    first = [box("side", restartPolicy="Always"), box("setup")]
    path = run(server, initContainers=first, containers=[box()])
    pod = server.until(lambda: is_ready(body := server("GET", path).body) and body)
    assert cells(pod)[0] == "2/2"
    states = {each["name"]: next(iter(each["state"])) for each in pod["status"]["initContainerStatuses"]}
    assert states == {"side": "running", "setup": "terminated"}


def test_a_container_whose_map_is_not_there_waits_for_it(server):
    container = box(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "a"}}}])
    pod = told(server, path := run(server, containers=[container]), "CreateContainerConfigError")
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["message"] == 'configmap "m" not found'
    server("POST", f"{CORE}/configmaps", {"metadata": {"name": "m"}, "data": {"b": "1"}})
    message = "couldn't find key a in ConfigMap default/m"
    server.until(lambda: message in str(server("GET", path).body["status"]["containerStatuses"]))
    server("PATCH", f"{CORE}/configmaps/m", {"data": {"a": "1"}}, content_type="application/merge-patch+json")
    server.until(lambda: is_ready(server("GET", path).body))


def test_a_pod_whose_volume_is_not_there_is_not_made(server):
    volumes = [{"name": "v", "secret": {"secretName": "s"}}]
    path = run(server, containers=[box()], volumes=volumes)
    told(server, path, "ContainerCreating")
    events = server("GET", f"{CORE}/events?fieldSelector=reason%3DFailedMount").body["items"]
    assert events[0]["message"] == 'MountVolume.SetUp failed for volume "v" : secret "s" not found'
    server("POST", f"{CORE}/secrets", {"metadata": {"name": "s"}})
    server.until(lambda: is_ready(server("GET", path).body))


def test_an_image_that_is_no_name_is_told(server):
    pod = told(server, run(server, containers=[box(image="Shop/Front:1")]), "InvalidImageName")
    assert "invalid reference format" in pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]


def test_a_probe_that_runs_a_command_can_fail(server):
    probe = {"readinessProbe": {"exec": {"command": ["false"]}}}
    pod = told(server, run(server, containers=[box(**probe)]), "Running")
    assert (cells(pod)[0], is_ready(pod)) == ("0/1", False)


def test_a_job_that_fails_gives_up(server):
    spec = {"restartPolicy": "Never", "containers": [box(command=["false"])]}
    job = {"metadata": {"name": "j"}, "spec": {"backoffLimit": 0, "template": {"spec": spec}}}
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    assert server("POST", jobs, job).status == 201
    status = server.until(lambda: (s := server("GET", f"{jobs}/j").body["status"]).get("conditions") and s)
    assert {each["type"]: each["reason"] for each in status["conditions"]} == {
        "FailureTarget": "BackoffLimitExceeded",
        "Failed": "BackoffLimitExceeded",
    }
    assert status["failed"] == 1
    assert len(pods(server, **{"job-name": "j"})) == 1


@pytest.mark.parametrize(
    ("text", "amount", "canonical"),
    [("100m", "0.1", "100m"), ("1500m", "1.5", "1500m"), ("1Gi", "1073741824", "1Gi"),
     ("2048Mi", "2147483648", "2Gi"), ("1000", "1000", "1k"), ("0.5", "0.5", "500m"), ("1e3", "1000", "1k"),
     ("0", "0", "0"), ("1.5Gi", "1610612736", "1536Mi")],
)  # fmt: skip
def test_quantities_are_read_and_written_canonically(text, amount, canonical):
    assert str(parse(text).normalize().__format__("f")) == amount
    assert written(parse(text), text.endswith("i")) == canonical


def test_sums_are_written_as_the_first_amount_is():
    assert total(["0", "64Mi", "1Gi"]) == "1088Mi"
    assert total(["250m", "250m", "500m"]) == "1"
    with pytest.raises(ValueError, match="no quantity"):
        parse("much")


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_the_quality_of_service_follows_from_the_resources(resources, quality):
    assert qos_class({"containers": [box(resources=resources)]}) == quality


def test_a_log_is_what_the_command_writes_and_can_be_followed(server):
    script = "echo one && echo two && sleep 2 && exit 3"
    path = run(server, containers=[box("a", command=[*SHELL, script]), box("b")])
    asked = f"{path}/log?container=a"
    assert server("GET", f"{path}/log").status == 400  # which of the two is not said
    assert server("GET", f"{asked}&previous=true").status == 400
    server.until(lambda: server("GET", asked).status == 200)
    followed = server("GET", f"{asked}&follow=true&tailLines=2").body.splitlines()  # until it ends
    assert followed[-2:] == ["two", "a failed: exit code 3"]
    told(server, path, "CrashLoopBackOff")
    previous = server("GET", f"{asked}&previous=true&tailLines=1&timestamps=true").body
    assert previous.rstrip().endswith("Z a failed: exit code 3")
    assert server("GET", f"{asked}&previous=true&limitBytes=4").body == "a st"


def test_what_a_program_that_runs_writes_grows_and_never_changes(server):
    path = run(server, containers=[box()])
    server.until(lambda: "GET /" in str(server("GET", f"{path}/log").body))
    before = server("GET", f"{path}/log").body
    server.until(lambda: len(server("GET", f"{path}/log").body) > len(before))
    assert server("GET", f"{path}/log").body.startswith(before)


def test_who_does_not_ask_for_a_command_by_a_websocket_is_told_so(server):
    path = run(server, containers=[box()])
    told(server, path, "Running")
    answer = server("POST", f"{path}/exec?command=ls&stdout=true")
    assert (answer.status, answer.body["message"].count("WebSocket")) == (501, 1)


@pytest.mark.parametrize("size", [0, 5, 126, 70_000])
def test_a_frame_is_read_once_all_of_it_is_there(size):
    """kubectl asks every few seconds whether somebody is there, and gives up where nobody is."""
    said, mask = (bytes(range(256)) * (size // 256 + 1))[:size], b"mask"
    kind, width = (size, 0) if size < 126 else (126, 2) if size < 2**16 else (127, 8)
    length = bytes((0x89, 0x80 | kind)) + (size.to_bytes(width, "big") if width else b"")
    whole = length + mask + bytes(each ^ mask[at % 4] for at, each in enumerate(said))
    for cut in sorted({0, 1, 3, len(whole) // 2, len(whole) - 1} & set(range(len(whole)))):
        assert frames(whole[:cut]) == ([], whole[:cut])
    assert frames(whole + whole + b"\x88") == ([(9, said)] * 2, b"\x88")
