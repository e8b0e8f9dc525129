"""Where a sentence asks a person to do something, a button does it, and a REST call."""

import pytest

from sgportal.core.health import severity
from sgportal.core.status.remedies import REMEDIES
from sgportal.core.text import say
from sgportal.models import GridUnit, Node

from ... import builders


def blocked(grid, reason, unit="a"):
    """A grid with one unit in trouble of this kind."""
    grid.state = "Blocked"
    grid.save()
    state = {"state": "Blocked", "severity": severity("Blocked"), "reason": reason, "message": say("why").to_json()}
    GridUnit.objects.update_or_create(grid=grid, name=unit, defaults=state)
    return grid


@pytest.fixture
def fleet(db):
    builders.news()
    for name, unit in (("n1", "a"), ("n2", "a"), ("n3", "b")):
        builders.a_node(name, zone=unit)
    grid = builders.a_grid()
    builders.observed(grid, ["a", "b"])
    return grid


WORKLOADS = sorted(code for code, actions in REMEDIES.items() if not {"replicas", "zone"} & set(actions))


@pytest.mark.parametrize("reason", WORKLOADS)
def test_the_door_stands_where_the_sentence_is_read(fleet, operator, reason):
    grid = blocked(fleet, reason)
    for address in (f"/grids/{grid.path}/", f"/grids/{grid.path}/units/a/"):
        text = operator.get(address).content.decode()
        section = text.split('class="actions remedies"')[1].split("</div>")[0]
        href = section.split('href="')[1].split('"')[0].replace("&amp;", "&")
        answer = operator.get(href)
        assert answer.status_code in (200, 302), href  # 302: there is nothing in the cluster to recreate yet


def test_a_viewer_is_shown_no_door_that_is_closed_to_them(fleet, viewer):
    grid = blocked(fleet, "ImmutableField")
    assert 'class="actions remedies"' not in viewer.get(f"/grids/{grid.path}/units/a/").content.decode()


@pytest.mark.parametrize("reason", WORKLOADS)
def test_rest_names_the_call(fleet, operator, reason):
    grid = blocked(fleet, reason)
    (found,) = operator.get(f"/api/v1/{grid.path}").json()["status"]["remedies"]
    assert (found["reason"], found["unit"]) == (reason, "a")
    answer = operator.generic(found["method"], found["path"], "{}", "application/json")
    assert answer.status_code not in (404, 405, 500), found  # what is missing is a value, or the ETag


def test_recreating_is_the_very_call_that_is_named(fleet, operator):
    grid = blocked(fleet, "ImmutableField")
    (found,) = operator.get(f"/api/v1/{grid.path}").json()["status"]["remedies"]
    answer = operator.post(f"{found['path']}?dryRun=All", found["body"], content_type="application/json")
    assert answer.status_code in (200, 409), answer.content


def test_a_ready_grid_asks_for_nothing(fleet, operator):
    assert operator.get(f"/api/v1/{fleet.path}").json()["status"]["remedies"] == []
    assert 'class="actions remedies"' not in operator.get(f"/grids/{fleet.path}/").content.decode()


def test_replicas_lead_to_the_workload_behind_the_service(fleet, operator):
    """More nodes than endpoints: more replicas of the grid whose pods the Service selects, or a zone of their own."""
    service = blocked(builders.a_service(), "TooManyNodes", unit="a")
    found = operator.get(f"/api/v1/{service.path}").json()["status"]["remedies"]
    assert [(each["action"], each["path"]) for each in found] == [
        ("replicas", f"/api/v1/{fleet.path}"),
        ("zone", "/api/v1/nodes/label"),
    ]
    text = operator.get(f"/grids/{service.path}/").content.decode()
    assert f"/grids/{fleet.path}/do/scale/" in text
    assert "key=topology.kubernetes.io%2Fzone" in text


def test_no_replicas_are_offered_where_no_node_of_the_unit_would_take_them(fleet, operator):
    """A site that is offline has no endpoint either, and more replicas would be as far away as those it has."""
    service = blocked(builders.a_service(), "UnitWithoutEndpoint", unit="a")
    place, door = f"/api/v1/{service.path}", f"/grids/{fleet.path}/do/scale/"
    for states, offered in ((("Unknown", "Unknown"), False), (("Unknown", "Ready"), True)):
        for name, state in zip(("n1", "n2"), states, strict=True):
            Node.objects.filter(name=name).update(ready=state)
        assert bool(operator.get(place).json()["status"]["remedies"]) is offered
        for address in (f"/grids/{service.path}/", "/?group=zone", "/unit/?key=zone&unit=a"):
            assert (door in operator.get(address).text) is offered, address


def test_an_image_is_set_where_one_unit_cannot_pull_it_and_the_grid_is_edited_for_several(fleet, operator):
    for units, door in ((["a"], "do/image/?unit=a"), (["a", "b"], "edit/")):
        for unit in units:
            blocked(fleet, "ImagePullBackOff", unit)
        section = operator.get("/?group=zone").text.split('class="causes"')[1].split("</ul>")[0]
        assert f"/grids/{fleet.path}/{door}" in section


def test_an_offline_unit_is_offered_no_replicas_because_another_could_use_them(fleet, operator):
    service = blocked(builders.a_service(), "UnitWithoutEndpoint", unit="a")
    blocked(service, "UnitWithoutEndpoint", unit="b")
    Node.objects.filter(name__in=("n1", "n2")).update(ready="Unknown")
    door = f"/grids/{fleet.path}/do/scale/"
    shown = {unit: door in operator.get(f"/unit/?key=zone&unit={unit}").text for unit in "ab"}
    assert shown == {"a": False, "b": True}
    assert door in operator.get("/?group=zone").text  # for the one that it helps
