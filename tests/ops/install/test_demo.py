"""`make demo`: up in seconds, private, on loopback, useful through both doors, and gone without a trace."""

import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from tests.services import end, in_time, wait_for

from ..access import walk
from . import demos

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with demos.running(tmp_path_factory.mktemp("demo") / "state") as started:
        yield started


def test_it_is_ready_soon(demo):
    assert in_time(demo.seconds, 45)
    assert demo.told("User") == "admin"
    assert len(demo.told("Password")) >= 16


def test_it_listens_on_loopback_only(demo):
    assert demos.listening_addresses(demo.process.pid) == {"0100007F"}


def test_its_state_is_private(demo):
    root = demo.kubeconfig.parent
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in root.rglob("*") if path.is_file()}
    assert {"secret-key", "password", "token", "kubeconfig", "sgportal.sqlite3"} <= modes.keys()
    assert {name: mode for name, mode in modes.items() if mode != "0o600"} == {}


def test_the_walk_through_over_rest(demo):
    walk.walk_through(demo.door)
    walk.tidy(demo.door)


@pytest.mark.kubectl
def test_the_walk_through_with_kubectl(demo, tmp_path):
    def kubectl(*words: str) -> str:
        command = ["kubectl", f"--kubeconfig={demo.kubeconfig}", f"--cache-dir={tmp_path}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return done.stdout

    files = ["-f", str(walk.EXAMPLES / "deploymentgrid.yaml"), "-f", str(walk.EXAMPLES / "servicegrid.yaml")]
    assert kubectl("get", "nodes", "--no-headers").count(" Ready ") == 3
    kubectl("label", "node", "node0", "zone1=nodeunit1")
    kubectl("label", "node", "node1", "node2", "zone1=nodeunit2")
    kubectl("apply", *files)
    wait_for(lambda: kubectl("get", "deploy", "--no-headers").count(" 2/2 ") == 2, 75, "2/2 in both sites", pause=0.5)
    assert kubectl("get", "deploy", "-o", "name").split() == [
        "deployment.apps/deploymentgrid-demo-nodeunit1",
        "deployment.apps/deploymentgrid-demo-nodeunit2",
    ]
    assert "servicegrid-demo-svc" in kubectl("get", "svc", "--no-headers")
    assert kubectl("get", "dg,sg", "-o", "name").count("/") == 2
    assert "Grid Uniq Key" in kubectl("describe", "dg", "deploymentgrid-demo")
    for line in kubectl("get", "pods", "-o", "wide", "--no-headers").splitlines():
        assert ("nodeunit1" in line) == (" node0 " in line), line
    both = {"nodeunit1": (2, 2), "nodeunit2": (2, 2)}
    wait_for(lambda: walk.ready_units(demo.door) == both, 75, "the grid's status says so, too")
    walk.check_endpoints(demo.door)
    kubectl("delete", *files)
    wait_for(lambda: not kubectl("get", "deploy", "-o", "name").split(), 75, "the Deployments are gone", pause=0.5)
    wait_for(lambda: demo.door.gone(walk.GRID) and demo.door.gone(walk.SERVICE), 75, "the portal has heard of it")
    kubectl("label", "node", "node0", "node1", "node2", "zone1-")


@pytest.mark.kubectl
def test_grids_are_taken_from_the_first_moment(tmp_path):
    """Applied in the very moment in which there is a kubeconfig, over the one that an earlier demo left behind."""
    state = tmp_path / "state"
    with demos.running(state) as earlier:
        kubeconfig = earlier.kubeconfig
    left = kubeconfig.stat().st_ino
    process = demos.start(demos.environment(state, DEMO_WORLD="large:3x1"))
    with process, process.stdout, process.stderr:
        try:
            wait_for(lambda: kubeconfig.stat().st_ino != left, 75, "the kubeconfig is written", pause=0.001)
            grid = str(walk.EXAMPLES / "deploymentgrid.yaml")
            command = [
                "kubectl",
                f"--kubeconfig={kubeconfig}",
                f"--cache-dir={tmp_path / 'cache'}",
                "apply",
                "-f",
                grid,
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=100)
            assert (done.returncode, done.stderr) == (0, "")
            assert "created" in done.stdout
        finally:
            end(process, 20)


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = _refused(tmp_path, PORT=port)
    assert f"port {port} is taken" in done


def test_a_second_demo_on_the_same_state_is_refused(demo):
    assert "already running" in _refused(demo.kubeconfig.parent)


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"PORT": "many"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"DEMO_WORLD": "mars"}, "DEMO_WORLD"),
        ({"SGPORTAL_DEMO_TOKEN": "short"}, "SGPORTAL_DEMO_TOKEN"),
        ({"SGPORTAL_DEMO_DIR": "/dev/null/demo"}, "SGPORTAL_DEMO_DIR"),
    ],
)
def test_nonsense_is_refused_by_name(tmp_path, variables, word):
    assert word in _refused(tmp_path, **variables)


def _refused(folder, **variables: str) -> str:
    done = subprocess.run(
        demos.COMMAND,
        cwd=demos.ROOT,
        env=demos.environment(folder, **variables),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def _listen_to_events(demo) -> socket.socket:
    """A browser that follows the events and never hangs up."""
    stream = socket.create_connection(("127.0.0.1", int(demo.url.rpartition(":")[2])))
    head = f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {demo.door.token}\r\n\r\n"
    stream.sendall(head.encode())
    stream.settimeout(75)
    assert b" 200 " in stream.recv(64)
    return stream


def test_it_ends_at_once_and_begins_where_it_was(tmp_path):
    """Stopped by SIGTERM with a stream open; started again, everything is there; stopped by Ctrl-C, twice pressed."""
    token = "a-token-chosen-by-the-test"
    demo = demos.launch(demos.environment(tmp_path / "state", SGPORTAL_DEMO_TOKEN=token))
    walk.walk_through(demo.door)
    with _listen_to_events(demo):
        assert demos.children_of(demo.process.pid) == []
        code, seconds = demo.stop()
    assert (code, "".join(demo.errors)) == (0, "")
    assert in_time(seconds, 10)

    again = demos.launch(demos.environment(tmp_path / "state"))
    assert in_time(again.seconds, 10)
    assert again.told("API token") == token
    assert walk.ready_units(again.door) == {"nodeunit1": (2, 2), "nodeunit2": (2, 2)}
    walk.check_endpoints(again.door)
    with _listen_to_events(again):
        again.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        code, seconds = again.stop(signal.SIGINT)
    assert (code, "".join(again.errors)) == (0, "")
    assert in_time(seconds, 10)


def test_a_reset_begins_afresh(tmp_path):
    folder = tmp_path / "state"
    with demos.running(folder) as demo:
        password = demo.told("Password")
        walk.walk_through(demo.door)
    with demos.running(folder, DEMO_RESET="1") as demo:
        assert demo.told("Password") != password
        assert demo.door.gone(walk.GRID)


def test_a_reset_spares_a_folder_that_is_no_demo(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with demos.running(tmp_path, DEMO_RESET="1"):
        assert os.path.exists(tmp_path / "thesis.txt")
