"""What a sentence about the cluster's state tells a person to do can be done where it is read.

Sentences that answer a request are not walked: there the field at fault is named, and the request is the door."""

import ast
import re
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve, reverse

from sgportal.core.status.remedies import REMEDIES

from .tree import parsed, under

# Modules whose sentences speak of the state of grids, nodes and the cluster.
SPEAKERS = (
    "sgportal/core/plans/",
    "sgportal/core/workloads/",
    "sgportal/core/status/",
    "sgportal/core/traffic/",
    "sgportal/core/superedge/",
    "sgportal/core/fleet/",
    "sgportal/reconciler/",
    "sgportal/actions/common.py",
)
ANSWERS = {"sgportal/core/plans/trial.py"}
ASKS = re.compile(
    r"\b(recreate|use mode|raise|rename|would do|take over|hand back|decides?|has to decide|set the|give|change the|"
    r"shorten|restart it|delete it|remove it|install|start SuperEdge|stop it)\b|“(Cluster|Decisions)”"
)
DECISIONS = ("decisions", "/api/v1/decisions")
TAKE_OVER = ("cluster-takeover", "/api/v1/superedge/takeover")
COMMANDS = ("cluster", "/api/v1/cluster")  # which show the command to run, for what is not the portal's to do
PACKAGES = ("servicegroups", "/api/v1/servicegroups")
# What each sentence that asks for something is answered by: a code of REMEDIES, or the name of a page and a REST path.
DOORS = {
    "“%(field)s” cannot be changed on a live %(kind)s; recreate it to apply the change": "ImmutableField",
    "%(count)s pods run on nodes of another unit, first %(pod)s; recreate the workload of this unit to move them": (
        "Misplaced"
    ),
    "%(left)s nodes of NodeUnit “%(unit)s” are refused: its ready endpoints can name %(room)s nodes, each %(each)s; "
    "%(replicas)s ready endpoints would do, or a value of %(zone)s that only this unit's nodes have": "TooManyNodes",
    "a Service of type ExternalName has no endpoints to steer; use mode “wrapper” or “open”": "ClosureNotSupported",
    "a headless Service hands its clients the addresses of all pods, past every proxy; use mode “wrapper” or “open”": (
        "ClosureNotSupported"
    ),
    "its custom resource is missing from the cluster, with those of many grids: it is kept and not reconciled "
    "until somebody decides": DECISIONS,
    "its workload is no longer wanted, but too many would be deleted at once: somebody has to decide": DECISIONS,
    "its workloads in former NodeUnits would be deleted, too many at once or within a day: they stay until "
    "somebody decides": DECISIONS,
    "writes to the cluster are stopped until somebody decides on the page “Decisions”: %(why)s": DECISIONS,
    "the portal is read-only for this cluster; an administrator can take over on the page “Cluster”": TAKE_OVER,
    "SuperEdge's controller manages the grids and the portal is read-only. To change that, stop it "
    "(%(command)s), then take over on the page “Cluster”": TAKE_OVER,
    "writes to the cluster are stopped; start SuperEdge's controller when you are ready": COMMANDS,
    "%(going)s of %(there)s grids would be deleted; confirm it with “kubectl annotate svcgroup %(name)s"
    " %(annotation)s=true”, or delete it in the portal": PACKAGES,
    "%(kind)s “%(name)s” exists already and is not this ServiceGroup's; delete it, give the member another"
    " name, or take it in over the portal": PACKAGES,
}


def sentences() -> dict[str, Path]:
    """Each sentence of the speakers that asks for something, and where it stands."""
    found = {}
    for path in under("sgportal", suffix=".py"):
        if str(path).startswith(SPEAKERS) and str(path) not in ANSWERS:
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "say" and node.args:
                    said = ast.literal_eval(node.args[0])
                    if ASKS.search(said):
                        found[said] = path
    return found


def test_every_sentence_that_asks_for_something_has_a_door():
    assert {said: str(path) for said, path in sentences().items() if said not in DOORS} == {}


def test_no_door_is_for_a_sentence_that_nobody_says():
    assert DOORS.keys() - sentences().keys() == set()


@pytest.mark.parametrize("said", DOORS)
def test_the_door_is_there(said):
    door = DOORS[said]
    if isinstance(door, str):
        assert REMEDIES[door]
        return
    page, call = door
    assert reverse(page)
    try:
        resolve(call)
    except Resolver404:
        pytest.fail(f"there is no {call}")
