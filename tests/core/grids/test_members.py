"""What members have from their package, and how the package reads once they were edited."""

import copy
from typing import Any

import pytest

from sgportal.core.grids.group import parse_group
from sgportal.core.grids.members import completed, rewritten
from sgportal.core.text import Invalid

PAUSED, DEPENDS = "sgportal.superedge.io/paused", "sgportal.superedge.io/depends-on"
WAVES = {"waves": [{"units": ["a"]}]}


def member(name: str, kind: str = "DeploymentGrid", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, "spec": {"template": {}, **spec}}


def package(*members: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "shop", "namespace": "s"}
    whole = {"gridUniqKey": "zone", "grids": list(members), **spec}
    return {"apiVersion": "sgportal.superedge.io/v1", "kind": "ServiceGroup", "metadata": metadata, "spec": whole}


def test_a_member_has_from_the_package_what_it_does_not_say_itself() -> None:
    own = {"waves": [{"count": 1}]}
    members = (member("web"), member("db", rollout=own), member("web", "ServiceGrid"))
    spec = package(*members, paused=True, rollout=WAVES, dependsOn={"dg/web": ["sg/web", "deploymentgrid/db"]})
    web, db, door = parse_group(spec).grids
    assert web["spec"] == {"gridUniqKey": "zone", "rollout": WAVES, "template": {}}
    assert web["metadata"]["annotations"] == {PAUSED: "true", DEPENDS: "servicegrids/web,deploymentgrids/db"}
    assert db["spec"]["rollout"] == own
    assert "rollout" not in door["spec"]
    assert {each["metadata"]["namespace"] for each in (web, db, door)} == {"s"}


@pytest.mark.parametrize("options", [{}, {"paused": True}, {"rollout": WAVES}, {"dependsOn": {"dg/web": ["dg/db"]}}])
def test_a_package_whose_members_are_as_it_says_reads_as_it_was_written(options: dict[str, Any]) -> None:
    spec = package(member("web"), member("db"), **options)["spec"]
    before = copy.deepcopy(spec)
    sources = [completed(each, "s", spec) for each in spec["grids"]]
    assert rewritten(spec, "s", sources) == before == spec


def test_only_the_entry_of_an_edited_member_changes_and_says_nothing_of_the_package() -> None:
    spec = package(member("web"), member("db"), member("gone"), paused=True, rollout=WAVES)["spec"]
    web, db, _ = (completed(each, "s", spec) for each in spec["grids"])
    web["spec"]["template"] = {"replicas": 3}
    web["metadata"]["labels"] = {"team": "x"}
    found = rewritten(spec, "s", [web, db])
    labelled = {"name": "web", "labels": {"team": "x"}}
    edited = {"kind": "DeploymentGrid", "metadata": labelled, "spec": {"template": {"replicas": 3}}}
    assert found["grids"] == [edited, member("db")]
    assert completed(found["grids"][0], "s", spec) == web


@pytest.mark.parametrize(
    ("depends_on", "where"),
    [
        ({"web": ["dg/db"]}, "/spec/dependsOn/web"),
        ({"dg/web": ["db"]}, "/spec/dependsOn/dg~1web/0"),
        ({"dg/web": "dg/db"}, "/spec/dependsOn/dg~1web"),
        ({"dg/web": [1]}, "/spec/dependsOn/dg~1web/0"),
        ({"pod/web": ["dg/db"]}, "/spec/dependsOn/pod~1web"),
        ({"sg/web": ["dg/db"]}, "/spec/dependsOn/sg~1web"),
        ({"dg/web": ["dg/db"], "dg/db": ["deploymentgrids/web"]}, "/spec/dependsOn"),
        ([], "/spec/dependsOn"),
    ],
)
def test_an_order_that_cannot_be_kept_is_refused_at_its_place(depends_on: Any, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_group(package(member("web"), member("db"), member("web", "ServiceGrid"), dependsOn=depends_on))
    assert [each.pointer for each in caught.value.problems] == [where]


@pytest.mark.parametrize("annotations", [1, [], "x", {"a": 1}])
def test_hostile_annotations_of_a_member_are_left_for_the_grids_own_check(annotations: Any) -> None:
    hostile = member("web")
    hostile["metadata"]["annotations"] = annotations
    parse_group(package(hostile, paused=True))
