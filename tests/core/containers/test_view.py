"""The containers of a pod as a page shows them, and whose log is offered first."""

import pytest

from sgportal.core.containers.view import ContainerState, containers_of, most_telling

RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
ENDED = {"terminated": {"exitCode": 3, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:05Z"}}
WAITS = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
PULLS = {"waiting": {"reason": "ImagePullBackOff"}}
MAKES = {"waiting": {"reason": "ContainerCreating"}}
DONE = {"terminated": {"exitCode": 0}}


def a_pod(first=(), usual=(), added=()):
    """Each container: its name, its state, how it ended before, and what else its spec says."""

    def parts(several):
        specs = [{"name": name, "image": f"{name}:1", **more} for name, _, _, more in several]
        statuses = [
            {"name": name, "state": state, "lastState": last, "restartCount": len(last), "ready": state is RUNNING}
            for name, state, last, _ in several
            if state is not None
        ]
        return specs, statuses

    spec, status = {}, {}
    for among, told, several in (
        ("initContainers", "initContainerStatuses", first),
        ("containers", "containerStatuses", usual),
        ("ephemeralContainers", "ephemeralContainerStatuses", added),
    ):
        spec[among], status[told] = parts([(*each, {})[:4] if len(each) == 3 else each for each in several])
    return {"spec": spec, "status": status}


def test_roles_states_and_last_ends():
    first = [("init", DONE, {}), ("mesh", RUNNING, {}, {"restartPolicy": "Always"})]
    found = containers_of(a_pod(first, [("app", WAITS, ENDED)], [("debug", None, {})]))
    assert [(each.name, each.role, each.ready, each.fails, each.has_begun) for each in found] == [
        ("init", "init", False, False, True),
        ("mesh", "sidecar", True, False, True),
        ("app", "container", False, True, True),
        ("debug", "ephemeral", False, False, False),
    ]
    app = found[2]
    assert app.state == ContainerState("waiting", "CrashLoopBackOff", "back-off")
    assert app.last == ContainerState("terminated", "Error", "", 3, "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z")
    assert (app.image, app.restarts, found[0].state.reason) == ("app:1", 1, "Completed")


@pytest.mark.parametrize(
    ("first", "usual", "name"),
    [
        ([], [("a", RUNNING, {}), ("b", WAITS, ENDED)], "b"),
        ([("i", ENDED, {})], [("a", MAKES, {})], "i"),
        ([("i", DONE, {})], [("a", RUNNING, {}), ("b", RUNNING, {})], "a"),
        ([], [("a", PULLS, {})], "a"),  # it has no log, and nothing has
        ([], [("a", RUNNING, {}), ("b", PULLS, {})], "a"),
        ([], [("a", None, {})], "a"),
    ],
)
def test_whose_log_is_most_likely_wanted(first, usual, name):
    assert most_telling(containers_of(a_pod(first, usual))).name == name


def test_a_pod_of_which_nothing_is_known_has_no_containers():
    assert containers_of({}) == ()
    assert most_telling(()) is None
