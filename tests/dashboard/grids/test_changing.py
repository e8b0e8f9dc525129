"""Changing grids by pages: the name that is typed where much is deleted, replicas by one, images that run elsewhere."""

import re

import pytest

from sgportal.core.documents import write_document
from sgportal.core.plans.preview.deletions import MANY
from sgportal.models import Grid, LabelJob, ServiceGroup, WorkKey

from ... import builders
from ...api.builders import child
from ..addresses import GRID
from ..conftest import hidden

BIG = "/grids/deploymentgrids/default/big/"
PACK = "/servicegroups/default/pack/"


def grown(count):
    """A grid in a package, with a child in each of so many NodeUnits."""
    group = ServiceGroup.objects.create(namespace="default", name="pack", key="zone")
    grid = builders.a_grid("big", "zone", group=group)
    names = [f"u{number:02}" for number in range(count)]
    for name in names:
        builders.a_node(f"n-{name}", zone=name)
    builders.observed(grid, dict.fromkeys(names, "Ready"))
    for name in names:
        child(grid, name)
    builders.news()
    return grid


def confirmed(client, address, **more):
    page = client.get(address)
    return page, client.post(address, {**hidden(page), "step": "confirm", **more})


@pytest.mark.parametrize("address", [BIG + "delete/", PACK + "delete/"])
def test_a_large_deletion_asks_for_the_name(operator, address):
    grown(MANY)
    name = "big" if address.startswith(BIG) else "pack"
    for typed in ({}, {"typed": ""}, {"typed": "other"}):
        page, answer = confirmed(operator, address, **typed)
        assert 'name="typed"' in page.text
        assert answer.status_code == 200
        assert "to confirm that many objects are deleted" in answer.text
        assert Grid.objects.get(name="big").deleting_since is None
    assert confirmed(operator, address, typed=f" {name} ")[1].status_code == 302
    assert Grid.objects.get(name="big").deleting_since


@pytest.mark.parametrize("address", [BIG + "delete/", PACK + "delete/"])
def test_a_small_deletion_asks_for_none(operator, address):
    grown(MANY - 1)
    page, answer = confirmed(operator, address)
    assert 'name="typed"' not in page.text
    assert answer.status_code == 302
    assert Grid.objects.get(name="big").deleting_since


def test_what_leaves_the_children_deletes_none(operator):
    grown(MANY)
    page = operator.post(BIG + "delete/", {"propagation": "Orphan", "step": "preview"})
    assert 'name="typed"' not in page.text


def test_an_edit_of_a_package_that_deletes_much_asks_for_the_name(operator):
    grown(MANY)
    template = {"selector": {"app": "x"}, "ports": [{"port": 80}]}
    service = {"kind": "ServiceGrid", "metadata": {"name": "web"}, "spec": {"template": template}}
    package = ServiceGroup.objects.get().source() | {"spec": {"gridUniqKey": "zone", "grids": [service]}}
    form = {"mode": "yaml", "document": write_document(package), "expect": ServiceGroup.objects.get().etag}
    preview = operator.post(PACK + "edit/", {**form, "step": "preview"})
    assert 'name="typed"' in preview.text
    save = {**form, "step": "save", "seen": preview.context["verdict"].seen}
    again = operator.post(PACK + "edit/", save)
    assert "to confirm that many objects are deleted" in again.text
    assert Grid.objects.get(name="big").deleting_since is None
    assert operator.post(PACK + "edit/", {**save, "typed": "pack"}).status_code == 302
    assert Grid.objects.get(name="big").deleting_since


def test_replicas_go_up_and_down_by_one(operator, fleet):
    place = GRID + "do/scale/"
    now = fleet.spec["template"].get("replicas", 1)
    assert f'value="{now}"' in operator.get(place).text
    assert f'value="{now + 1}"' in operator.post(place, {"replicas": now, "by": "+"}).text
    for pressed, left in ((1, 0), (0, 0)):
        assert f'value="{left}"' in operator.post(place, {"replicas": pressed, "by": "-"}).text
    assert operator.post(place, {"replicas": "x", "by": "+"}).status_code == 200
    assert Grid.objects.get(pk=fleet.pk).generation == fleet.generation  # nothing is done before it is confirmed
    wanted = fleet.units.get(name="lyo").desired
    assert f'value="{wanted}"' in operator.get(place + "?unit=lyo").text


def test_replicas_of_a_grid_that_divides_a_total_begin_at_the_total(operator, fleet):
    place = GRID + "do/scale/"
    fleet.spec = {**fleet.spec, "totalReplicas": 10}
    fleet.save()
    assert 'name="replicas" type="number" min="0" max="999999999" required value="10"' in operator.get(place).text
    assert 'required value="11"' in operator.post(place, {"replicas": "10", "by": "+"}).text
    fleet.spec = {name: each for name, each in fleet.spec.items() if name not in ("totalReplicas", "template")}
    fleet.save()
    assert 'required value=""' in operator.get(place).text  # there is nothing to scale


def test_an_image_is_picked_from_those_that_run(operator, fleet):
    image = fleet.spec["template"]["template"]["spec"]["containers"][0]["image"]
    builders.a_grid("other", "site")
    Grid.objects.filter(name="other").update(
        spec={
            "template": {"template": {"spec": {"containers": [{"image": "<b>:1"}, {"image": image}]}}},
            "overrides": [{"units": ["ham"], "patch": {"image": "edge:2"}}],
        }
    )
    for address in (GRID + "do/image/", GRID + "edit/", "/grids/new/"):
        page = operator.get(address).text
        assert 'list="images"' in page
        offered = re.findall(r'<option value="([^"]*)">(\d) grid', page)
        assert {(image, "2"), ("&lt;b&gt;:1", "1"), ("edge:2", "1")} <= set(offered)


def test_the_image_that_is_set_now_is_in_the_field_and_beside_each_container(operator, fleet):
    containers = fleet.spec["template"]["template"]["spec"]["containers"]
    image, name = containers[0]["image"], containers[0]["name"]
    containers.append({"name": "side", "image": "<b>:2"})
    fleet.save()

    def shown(page: str) -> tuple[str, list[str]]:
        (field,) = re.findall(r'name="image"[^>]* value="([^"]*)"', page)
        return field, re.findall(r'<option value="[^"]+">([^<]+ · [^<]+)</option>', page)

    assert shown(operator.get(GRID + "do/image/").text) == (image, [f"{name} · {image}", "side · &lt;b&gt;:2"])
    builders.observed(fleet, {"a": "Ready"})
    there = child(fleet, "a")
    there.body["spec"]["template"] = {"spec": {"containers": [{"name": name, "image": "own:3"}]}}
    there.save()
    fleet.units.filter(name="a").update(child=there.name)
    assert shown(operator.get(GRID + "do/image/?unit=a").text) == ("own:3", [f"{name} · own:3"])
    asked = operator.post(GRID + "do/image/", {"image": "typed:1", "container": "side", "step": "preview"}).text
    assert shown(asked)[0] == "typed:1"


def test_what_is_said_of_many_units_stands_once_in_a_plan(operator):
    grid = grown(20)
    grid.units.update(pinned=1)
    page = operator.get(BIG + "plan/").text
    assert page.count("it stays at revision 1 until it is unpinned") == 1
    listed, more = page.split("<summary>8 more</summary>")
    assert listed.count("<code>u") == 12
    assert more.count("<code>u") == 8


def test_the_last_two_revisions_are_offered_for_comparison(operator, fleet):
    place = GRID + "revisions/"
    assert 'name="from" type="number" min="1" value=""' in operator.get(place).text  # there is one
    for replicas in (5, 6):
        fleet.spec = {**fleet.spec, "totalReplicas": replicas}
        fleet.generation += 1
        fleet.save()
        fleet.remember("ada")
    for query, numbers in (("", (2, 3)), ("?from=1&to=3", (1, 3))):
        page = operator.get(place + query).text
        for name, number in zip(("from", "to"), numbers, strict=True):
            assert f'name="{name}" type="number" min="1" value="{number}"' in page


def test_a_page_says_why_what_is_wanted_is_not_carried_out(fleet, operator):
    """And asks by itself until it is."""
    said, address = "the API server answered 500", f"/grids/{fleet.path}/"
    key = WorkKey.objects.create(key=fleet.path, requested=1, failures=1, error=said)
    assert said in operator.get(address).content.decode()
    htmx = {"HX-Request": "true", "HX-Target": "facts"}
    assert "refresh, every 5s" in operator.get(address, headers=htmx).content.decode()
    key.failures = 0
    key.save()
    assert said not in operator.get(address).content.decode()
    job = LabelJob.objects.create(changes={"a": "b"}, results={}, author="ada")
    WorkKey.objects.create(key=f"labeljobs/{job.pk}", requested=1, failures=3, error=said)
    assert said in operator.get(f"/jobs/{job.pk}/").content.decode()
