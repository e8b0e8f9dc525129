"""That the fault matrix sees what it is there to see: each sort of loss, doubling and surprise."""

from dataclasses import replace

import pytest

from faults.comparison import DOUBLED, LOST, UNEXPLAINED, Child, Grid, Pod, Snapshot, Wish, findings
from faults.kinds import every

GRID = ("DeploymentGrid", "calm-web")
SERVICE = ("ServiceGrid", "calm-service")
WORKLOAD = ("Deployment", "calm-web-a")


def a_snapshot(**more):
    """A node in unit a, a grid, its Deployment with a pod, and a Service that leads to it."""
    body = {
        "units": frozenset("a"),
        "nodes": {"n": "a"},
        "grids": {GRID: Grid("1", "app:1", 1, True, 1), SERVICE: Grid("2", "", 1, True, 1)},
        "children": {
            WORKLOAD: Child("10", 1, "1", "a", "app:1", 1, True),
            ("Service", "calm-service-svc"): Child("20", 0, "2", "", "", 0, True),
        },
        "pods": {"calm-web-a-x-1": Pod("100", "calm-web-a", 0, True, "10.0.0.1")},
        "endpoints": {"calm-service-svc": ("10.0.0.1",)},
        "rows": frozenset((GRID, SERVICE)),
    }
    return Snapshot(**(body | more))


BEFORE = a_snapshot()


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


def changed(field, key, **more):
    """The snapshot with one object changed."""
    there = getattr(BEFORE, field)
    return a_snapshot(**{field: {**there, key: replace(there[key], **more)}})


def test_where_nothing_happened_nothing_is_found():
    assert findings(BEFORE, a_snapshot(), {GRID: Wish("app:1"), ("Node", "n"): Wish("a")}) == []


CASES = {
    "a workload is gone": (a_snapshot(children=without(BEFORE.children, WORKLOAD)), LOST, "has nothing in a"),
    "a workload was made again": (changed("children", WORKLOAD, uid="11"), DOUBLED, "a second time"),
    "a grid was made again": (changed("grids", GRID, uid="9"), DOUBLED, "calm-web was made a second time"),
    "a workload is twice": (
        a_snapshot(children={**BEFORE.children, ("Deployment", "other"): Child("11", 1, "1", "a", "app:1", 0, True)}),
        DOUBLED,
        "has in a: Deployment calm-web-a, Deployment other",
    ),
    "a workload is nobody's": (
        a_snapshot(children={**BEFORE.children, ("Deployment", "other"): Child("11", 1, "", "a", "app:1", 0, True)}),
        DOUBLED,
        "nobody's",
    ),
    "a workload was written": (changed("children", WORKLOAD, generation=2), UNEXPLAINED, "was written"),
    "a workload is of an older revision": (changed("children", WORKLOAD, image="app:0"), LOST, "1 × app:0"),
    "a pod is another": (changed("pods", "calm-web-a-x-1", uid="101"), UNEXPLAINED, "did not run through"),
    "a pod restarted": (changed("pods", "calm-web-a-x-1", restarts=1), UNEXPLAINED, "did not run through"),
    "a pod is missing": (a_snapshot(pods={}), LOST, "has 0 pods instead of 1"),
    "a pod is too many": (
        a_snapshot(pods={**BEFORE.pods, "b": Pod("102", "calm-web-a", 0, True, "10.0.0.1")}),
        DOUBLED,
        "has 2 pods",
    ),
    "an endpoint is missing": (a_snapshot(endpoints={"calm-service-svc": ()}), LOST, "no endpoint 10.0.0.1"),
    "an endpoint is twice": (a_snapshot(endpoints={"calm-service-svc": ("10.0.0.1",) * 2}), DOUBLED, "has 2 endpoints"),
    "an endpoint is of a pod that is gone": (
        a_snapshot(endpoints={"calm-service-svc": ("10.0.0.1", "10.0.0.2")}),
        DOUBLED,
        "10.0.0.2",
    ),
    "a status is behind": (changed("grids", GRID, settled=False), UNEXPLAINED, "the status of"),
    "a status counts other units": (changed("grids", GRID, units=2), UNEXPLAINED, "the status of"),
    "the portal has lost a grid": (a_snapshot(rows=frozenset([SERVICE])), LOST, "the portal has not"),
    "the portal has one too many": (
        a_snapshot(rows=BEFORE.rows | {("DeploymentGrid", "x")}),
        UNEXPLAINED,
        "the cluster has not",
    ),
    "work is left": (a_snapshot(waiting=("nodes/n",)), UNEXPLAINED, "nodes/n is not done"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_sort_is_seen(case):
    now, kind, words = CASES[case]
    found = findings(BEFORE, now, {})
    assert [each for each in found if each.kind == kind and words in each.text], found


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Wish("app:2"), LOST),  # said yes to, and not there
        (Wish("app:2", ("app:3",)), LOST),
        (Wish(None), UNEXPLAINED),  # deleted, and still there
        (Wish("app:0", ("app:1",)), None),  # nobody answered, and it was done
        (Wish("app:1", ("app:2",)), None),  # nobody answered, and it was not
    ],
)
def test_what_was_answered_is_held_against_what_is_there(wish, kind):
    assert {each.kind for each in findings(BEFORE, BEFORE, {GRID: wish})} == ({kind} if kind else set())


def test_a_refusal_is_explained_by_the_fault_that_it_names_and_by_no_other():
    faults = every()
    refusal = "POST deploymentgrids: 422 the cluster refuses: deployments.apps is forbidden: User “x” cannot create"
    assert [name for name, each in faults.items() if each.is_reason_for(refusal)] == ["rights-narrowed"]
    assert not faults["rights-narrowed"].is_reason_for("POST deploymentgrids: 422 spec.template: is wrong")
