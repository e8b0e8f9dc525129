"""Commands in containers, by the portal's own client."""

import threading

import pytest

from sgportal.cluster import ClusterError, Ended, Output, Unreachable, begin_command, connect

SILENCE = 75.0


@pytest.fixture
def run(server, namespace, monkeypatch):
    """Runs a command in the container of a pod that runs."""
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig))
    cluster, pods = connect("kubeconfig"), f"/api/v1/namespaces/{namespace}/pods"
    spec = {"containers": [{"name": "c", "image": "img:1"}], "nodeName": "node0"}
    assert server("POST", pods, {"metadata": {"name": "p"}, "spec": spec}).status == 201
    server.until(lambda: (server("GET", f"{pods}/p").body["status"].get("phase")) == "Running")
    yield lambda *words, container="c": begin_command(cluster, namespace, "p", container, words, SILENCE)
    server("DELETE", f"{pods}/p?gracePeriodSeconds=0")
    cluster.close()


def passed(command):
    """What a command wrote to each stream, and how it ended."""
    found = {"stdout": b"", "stderr": b""}
    try:
        while isinstance(each := command.read(), Output):
            found[each.stream] += each.data
    finally:
        command.close()
    return found["stdout"], found["stderr"], each


def test_what_it_writes_and_its_exit_code_come_through(run):
    out, err, ended = passed(run("sh", "-c", "echo out; echo no >&2; exit 3"))
    assert (out, err, ended.exit_code) == (b"out\n", b"no\n", 3)
    assert passed(run("true")) == (b"", b"", Ended(0))
    assert passed(run("echo", "a b", "&", "$HOME"))[0] == b"a b & $HOME\n"


def test_a_program_that_is_not_there_has_no_exit_code(run):
    out, err, ended = passed(run("no-such-program"))
    assert (out, err, ended.exit_code) == (b"", b"", None)
    assert "not found in $PATH" in ended.message


def test_a_container_that_is_none_is_refused(run):
    with pytest.raises(ClusterError, match="container other is not valid for pod p") as caught:
        run("true", container="other")
    assert caught.value.status == 400


def test_who_closes_it_is_told_so_while_it_waits(run):
    command = run("sh", "-c", "echo begun; sleep 600")
    assert command.read() == Output("stdout", b"begun\n")
    reader_waits = threading.Timer(0.2, command.close)
    reader_waits.start()
    with pytest.raises(Unreachable):
        command.read()
    reader_waits.join()
