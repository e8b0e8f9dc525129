"""Does SuperEdge's controller run, who may write, and what do its definitions drop?"""

import pytest

from sgportal.core.plans.diff import Change
from sgportal.core.plans.plan import Step
from sgportal.core.superedge.controller import (
    CONTROLLER,
    HANDING_BACK,
    HASH_LABEL,
    MANAGING,
    READ_ONLY,
    Facts,
    Lock,
    Workload,
    idle_since,
    judge,
    known_to_it,
    lacks_hash,
    last_write,
    mode_after,
    restarting,
    without_its_entries,
)
from sgportal.core.superedge.crds import described, keeps
from sgportal.core.text import say

NOW = 1_000_000.0
HERE = Workload("edge-system", 1, 1)
GONE = Workload("edge-system", 0, 0)


def lock(ago, kind="Lease"):
    return Lock(kind, "kube-system", NOW - ago)


@pytest.mark.parametrize(
    ("facts", "running"),
    [
        (Facts(), False),
        (Facts([HERE]), True),
        (Facts([Workload("edge-system", 1, 0)]), True),  # it crashes, comes back, and writes in between
        (Facts([Workload("edge-system", 0, 1)]), True),  # going
        (Facts([GONE]), False),
        (Facts([GONE, Workload("kube-system", 1, 1)]), True),
        (Facts(locks=[lock(10)]), True),
        (Facts(locks=[lock(-30)]), True),  # its clock is ahead
        (Facts(locks=[lock(600)]), False),
        (Facts(locks=[lock(600)], renewed_before={("Lease", "kube-system"): NOW - 602}), True),
        (Facts(locks=[lock(600)], renewed_before={("Lease", "kube-system"): NOW - 600}), False),
        (Facts([GONE], [lock(20)], idle_since=NOW - 18), False),  # it does not release its lock when it ends
        (Facts([GONE], [lock(2)], idle_since=NOW - 18), True),  # another one holds it
        (Facts(wrote=NOW - 100), True),
        (Facts(wrote=NOW - 1000), False),
        (Facts([GONE], wrote=NOW - 100, idle_since=NOW - 98), False),
        (Facts([GONE], wrote=NOW - 10, idle_since=NOW - 98), True),
    ],
)
def test_it_runs_by_its_deployment_its_lock_or_its_writes(facts, running):
    verdict = judge(facts, NOW)
    assert verdict.running is running
    assert bool(verdict.evidence) is running


def test_the_cure_scales_what_can_be_scaled():
    assert judge(Facts([HERE, GONE]), NOW).cure == (HERE.scale(0),)
    assert judge(Facts(locks=[lock(1)]), NOW).cure == ()


def test_since_when_it_is_idle_is_remembered_until_it_is_not():
    assert idle_since([GONE], None, NOW) == NOW
    assert idle_since([GONE], NOW - 50, NOW) == NOW - 50
    assert idle_since([HERE], NOW - 50, NOW) is None
    assert idle_since([], NOW - 50, NOW) is None


@pytest.mark.parametrize(
    ("before", "running", "after"),
    [
        ((MANAGING, False), True, (READ_ONLY, False)),
        ((MANAGING, True), True, (MANAGING, True)),
        ((MANAGING, True), False, (MANAGING, False)),  # from now on its return counts again
        ((MANAGING, False), False, (MANAGING, False)),
        ((READ_ONLY, False), True, (READ_ONLY, False)),
        ((READ_ONLY, False), False, (READ_ONLY, False)),  # a person takes over
        ((HANDING_BACK, False), True, (HANDING_BACK, False)),
    ],
)
def test_who_writes_follows_from_who_runs(before, running, after):
    assert mode_after(*before, running) == after


def test_its_mark_on_an_object_is_found_and_taken_away():
    its = {"manager": CONTROLLER, "operation": "Update", "time": "2026-01-01T00:00:02Z"}
    earlier = {**its, "time": "2026-01-01T00:00:01Z", "subresource": "status"}
    other = {"manager": "kubectl", "operation": "Update", "time": "2026-02-01T00:00:00Z"}
    metadata = {"managedFields": [its, other, earlier]}
    assert last_write(metadata) == "2026-01-01T00:00:02Z"
    assert without_its_entries(metadata) == [other, earlier]
    assert last_write({}) == ""


def step(verb, *changes, kind="Deployment"):
    return Step(verb, kind, "default", "g-a", "a", say("x"), changes)


@pytest.mark.parametrize(
    ("given", "restarts"),
    [
        (step("create"), False),
        (step("delete"), True),
        (step("update", Change("/metadata/labels/a", None, "b")), False),
        (step("update", Change("/spec/template/spec/containers/0/image", "a", "b")), True),
        (step("adopt", Change("/spec/template/metadata/labels/a", None, "b")), True),
        (step("update", Change("/spec/replicas", 1, 3)), False),
        (step("update", Change("/spec/replicas", 3, 1)), True),
        (step("update", Change("/spec/selector/a", "b", None), kind="Service"), False),
    ],
)
def test_which_steps_end_running_pods(given, restarts):
    assert restarting([given]) == ([given] if restarts else [])


def test_which_grids_superedge_would_mark_first():
    marked = {"template": {"metadata": {"labels": {HASH_LABEL: "1"}}}}
    bare = {"template": {"metadata": {"labels": {"app": "x"}}}}
    assert not lacks_hash({"template": marked, "templatePool": {"t": marked}})
    assert lacks_hash({"template": marked, "templatePool": {"t": bare}})
    assert lacks_hash({"template": {"template": {}}})


def test_a_field_that_only_we_know_does_not_get_into_children_that_are_handed_back():
    its = {"gridUniqKey": "zone", "template": {}, "templatePool": {}, "templates": {}, "defaultTemplateName": "x"}
    ours = {"closure": {"mode": "strict"}, "unitReplicas": {"a": 3}}
    left = {"ignoreDifferences": []}  # writes nothing; without it we would overwrite what is others'
    assert known_to_it({**its, **ours, **left}) == {**its, **left}


ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.mark.parametrize(
    ("schema", "path", "kept"),
    [
        ({"type": "object"}, ("a",), False),
        (ANY, ("a", "b"), True),
        ({"properties": {"a": {"type": "object"}}}, ("a", "b"), False),
        ({**ANY, "properties": {"a": {"type": "object"}}}, ("a", "b"), False),  # what is described is pruned again
        ({"additionalProperties": {"type": "string"}}, ("a",), True),
        ({"additionalProperties": True}, ("a", "b"), True),
        ({"properties": {"l": {"items": {"type": "object"}}}}, ("l", "[]", "a"), False),
        ({"properties": {"l": {"items": ANY}}}, ("l", "[]", "a"), True),
        ({"x-kubernetes-embedded-resource": True}, ("metadata", "name"), True),
    ],
)
def test_what_a_schema_keeps(schema, path, kept):
    assert keeps(schema, path) is kept


def test_a_definition_that_is_missing_or_odd():
    assert described("ServiceGrid", "s", None).maker == "none"
    odd = {"metadata": {"name": "s"}, "spec": {"versions": []}}
    found = described("ServiceGrid", "s", odd)
    assert (found.maker, found.has_status, len(found.findings)) == ("other", False, 2)
