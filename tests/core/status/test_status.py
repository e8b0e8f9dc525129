"""What is observed, in words."""

import pytest

from sgportal.core.plans.desired import Finding
from sgportal.core.pods import PodView
from sgportal.core.status.manifest import manifest_status
from sgportal.core.status.status import Observed, summarise
from sgportal.core.text import Sentence, say
from sgportal.core.units import units_of

from ..builders import a_grid, a_node, a_template, settled

NODES = (a_node("n1", zone="a"), a_node("n2", zone="b"))
COUNTS = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), 1)
READY = {"observedGeneration": 1, **COUNTS}


def status_of(live, nodes=NODES, findings=(), pods=(), spec=None):
    return summarise(spec or a_grid(), Observed(units_of(nodes, "zone"), live, findings, pods))


def states(status):
    return {unit.name: (unit.state, unit.reason) for unit in status.units}


def conditions(status):
    return {each.type: (each.status, each.reason) for each in status.conditions}


def test_all_units_ready():
    status = status_of(settled(a_grid(), **READY))
    assert states(status) == {"a": ("Ready", "AllReady"), "b": ("Ready", "AllReady")}
    assert conditions(status) == {
        "Ready": ("True", "AllReady"),
        "Progressing": ("False", "Settled"),
        "Degraded": ("False", "NothingWrong"),
    }
    assert status.state == "Ready"


def test_the_worst_unit_comes_first_and_names_the_grids_state():
    finding = Finding("b", "NameConflict", say("taken"))
    status = status_of(settled(a_grid(), ["a"], **READY), findings=[finding])
    assert [unit.name for unit in status.units] == ["b", "a"]
    assert (status.state, conditions(status)["Degraded"]) == ("Blocked", ("True", "NameConflict"))


def test_33_a_condition_turns_back_when_the_next_look_is_good():
    finding = Finding("b", "Forbidden", say("quota"))
    bad = manifest_status(status_of(settled(a_grid(), ["a"], **READY), findings=[finding]), 3, {}, "T1")
    good = manifest_status(status_of(settled(a_grid(), **READY)), 4, bad, "T2")
    ready = {each["type"]: each for each in good["conditions"]}
    assert (ready["Ready"]["status"], ready["Ready"]["lastTransitionTime"]) == ("True", "T2")
    assert (ready["Progressing"]["lastTransitionTime"], good["observedGeneration"]) == ("T1", 4)


def test_pods_that_may_not_be_made_are_the_reason_of_the_unit():
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: few"}
    live = settled(a_grid(), ["a"], observedGeneration=1, unavailableReplicas=1, conditions=[failure])
    unit = status_of(live, NODES[:1]).units[0]
    assert (unit.state, unit.reason) == ("Degraded", "FailedCreate")
    assert str(unit.sentence) == "pods cannot be created: exceeded quota: few"


def test_34_superedges_shape_and_ours():
    available = {"type": "Available", "status": "True"}
    live = settled(a_grid(), ["a"], **READY, conditions=[available, {"type": "Progressing", "status": "True"}])
    body = manifest_status(status_of(live, NODES[:1]), 1, {}, "T")
    assert body["states"] == {"a": {**COUNTS, "conditions": [available]}}
    assert body["units"] == [
        {"name": "a", "state": "Ready", "template": "default", "message": "all pods are ready", "reason": "AllReady"}
    ]
    assert (body["readyUnits"], body["totalUnits"]) == (1, 1)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((a_node("n1", "Unknown", zone="a"),), ("Offline", "NodesUnreachable")),
        ((a_node("n1", "NotReady", zone="a"),), ("Degraded", "NoReadyNode")),
        ((a_node("n1", zone="a"),), ("Progressing", "RollingOut")),
    ],
)
def test_05_nodes_without_heartbeat_are_told_apart_from_pods_under_way(nodes, expected):
    assert states(status_of(settled(a_grid(), ["a"], replicas=1), nodes))["a"] == expected


def test_a_failing_pod_says_why():
    pod = PodView("shop", "g-a-x", node="n1", reason="ImagePullBackOff", message="no such image", child="g-a")
    unit = status_of(settled(a_grid(), ["a"], observedGeneration=1), NODES[:1], pods=[pod]).units[0]
    assert (unit.state, unit.reason) == ("Degraded", "ImagePullBackOff")
    assert str(unit.sentence) == "pod g-a-x: ImagePullBackOff: no such image"


def test_06_pods_left_on_a_node_that_moved_away_are_misplaced():
    pods = [PodView("shop", f"pod-on-{node}", node=node, ready=True, child="g-a") for node in ("n1", "n2")]
    unit = next(u for u in status_of(settled(a_grid(), **READY), pods=pods).units if u.name == "a")
    assert unit.misplaced == ("pod-on-n2",)


def test_a_grid_without_units_is_ready_and_says_so():
    assert conditions(status_of([], ()))["Ready"] == ("True", "NoUnits")


def test_desired_counts_come_from_the_template_before_there_is_a_child():
    spec = a_grid(template=a_template(replicas=4))
    assert [unit.desired for unit in status_of([], spec=spec).units] == [4, 4]
    assert set(states(status_of([], spec=spec)).values()) == {("Progressing", "Creating")}


def test_sentences_survive_a_round_trip():
    sentence = say("pod %(pod)s: %(message)s", pod="<p>", message="100% 满")
    assert Sentence.from_json(sentence.to_json()) == sentence
    assert str(sentence) == "pod <p>: 100% 满"


def test_a_finding_about_the_grid_itself_is_its_state_too():
    finding = Finding("", "NameTooLong", say("too long"))
    status = status_of(settled(a_grid(), **READY), findings=[finding])
    assert (status.state, conditions(status)["Ready"]) == ("Blocked", ("False", "NameTooLong"))


def test_a_pod_that_was_evicted_is_not_the_cause_of_what_goes_on():
    live = settled(a_grid(), ["a"], observedGeneration=1, replicas=1, updatedReplicas=1)
    evicted = PodView("default", "g-a-1", child="g-a", node="n1", phase="Failed", reason="Evicted")
    assert states(status_of(live, NODES[:1], pods=[evicted])) == {"a": ("Progressing", "RollingOut")}
    failing = PodView("default", "g-a-2", child="g-a", node="n1", reason="CrashLoopBackOff")
    assert states(status_of(live, NODES[:1], pods=[evicted, failing])) == {"a": ("Degraded", "CrashLoopBackOff")}


def test_a_unit_whose_child_is_not_yet_as_wanted_is_never_ready():
    """A write that met another's (Conflict) or was not tried: the child is rolled out, but of the old spec."""
    observed = Observed(units_of(NODES, "zone"), settled(a_grid(), **READY), pending={"g-b"})
    status = summarise(a_grid(), observed)
    assert states(status) == {"a": ("Ready", "AllReady"), "b": ("Progressing", "Updating")}
    assert conditions(status)["Ready"] == ("False", "Updating")
