"""A change that a live Service cannot take: what the message says is done where it is read, by REST and on the page."""

import re

import pytest
from django.test import Client

from sgportal.core.names import SERVICE_NAME
from sgportal.models import AuditEvent, Grid
from tests import builders

from ..watching import until
from ..world import seed
from .test_keeper import SERVED, a_keeper, closed, reached

__all__ = ["closed"]
NAME = "servicegrid-demo"
SERVICE = f"{NAME}-svc"
REST = f"/api/v1/servicegrids/default/{NAME}/recreate"
PAGE = f"/grids/servicegrids/default/{NAME}/"


@pytest.fixture
def olga(db):
    made = Client(headers={"host": "localhost"})
    made.force_login(builders.a_person("olga", "operator"))
    return made


def headless(world):
    manifest = seed("servicegrid")
    manifest["spec"]["template"]["clusterIP"] = "None"
    return world.save(manifest)


def normal(world, grid):
    world.look()
    return world.change(grid, lambda manifest: manifest["spec"]["template"].pop("clusterIP"))


def addresses(world):
    return world.get(SERVICE, "Service")["spec"]["clusterIP"]


def steps(body):
    return [(each["verb"], each["name"]) for each in body["steps"]]


def test_headless_to_normal_by_rest(world, olga):
    grid = normal(world, headless(world))
    assert grid.units.get(name="").reason == "ImmutableField"
    assert addresses(world) == "None"
    shown = olga.generic("POST", f"{REST}?dryRun=All").json()
    assert steps(shown) == [("delete", SERVICE), ("create", SERVICE)]
    assert not grid.units.get(name="").recreate
    assert olga.post(REST, {}, content_type="application/json").status_code == 202
    world.settle()
    world.resync()
    assert addresses(world) not in ("None", "")
    grid.refresh_from_db()
    assert grid.units.get(name="").reason == "ServiceExists"
    event = AuditEvent.objects.get(verb="recreate")
    assert (event.actor, event.path) == ("olga", f"servicegrids/default/{NAME}#")
    assert steps(event.plan) == steps(shown)
    uid = world.get(SERVICE, "Service")["metadata"]["uid"]
    world.resync()
    assert world.get(SERVICE, "Service")["metadata"]["uid"] == uid  # once


def test_normal_to_headless_on_the_page_where_the_message_is_read(closed, olga):
    grid = Grid.objects.get(name=NAME, kind="ServiceGrid")
    assert "Recreate the Service" not in olga.get(PAGE).content.decode()
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        headless(closed)
        assert "recreate it to apply the change" in olga.get(PAGE).content.decode()
        for tab in (PAGE, f"{PAGE}plan/"):
            assert f'href="{PAGE}recreate/">Recreate the Service' in olga.get(tab).content.decode()
        assert reached(closed) == SERVED  # what serves goes on serving until somebody decides
        asked = olga.get(f"{PAGE}recreate/").content.decode()
        assert "new ClusterIP" in asked
        assert AuditEvent.objects.filter(verb="recreate").count() == 0
        plan = re.search(r'name="plan" value="(\w+)"', asked)[1]
        assert olga.post(f"{PAGE}recreate/", {"plan": plan})["Location"] == PAGE
        closed.settle()
        closed.resync()
        assert addresses(closed) == "None"
        until(lambda: reached(closed) == {})  # none of ours is left for it
    selector = closed.get(SERVICE, "Service")["spec"]["selector"]
    assert selector == grid.spec["template"]["selector"]
    until(lambda: closed.cluster.list("EndpointSlice", "default", label_selector=f"{SERVICE_NAME}={SERVICE}").items)
    assert "Recreate the Service" not in olga.get(PAGE).content.decode()


def test_and_back_to_a_closed_loop(closed, olga):
    grid = headless(closed)
    olga.post(REST, {}, content_type="application/json")
    closed.settle()
    closed.resync()
    assert addresses(closed) == "None"
    normal(closed, grid)
    olga.post(REST, {}, content_type="application/json")
    closed.settle()
    closed.resync()
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)


def test_a_unit_named_is_a_mistake_with_its_cure(world, olga):
    headless(world)
    answer = olga.post(REST, '{"unit": "zone-a"}', content_type="application/json")
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert (problem["pointer"], "leave the unit out" in problem["detail"]) == ("/unit", True)


def test_what_is_not_ours_is_not_recreated_nor_remembered(world, olga):
    metadata = {"name": SERVICE, "namespace": "default"}
    spec = {"selector": {"app": "other"}, "ports": [{"port": 80}]}
    world.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    world.look()
    grid = world.save(seed("servicegrid"))
    assert grid.units.get(name="").reason == "NameConflict"
    answer = olga.post(REST, {}, content_type="application/json")
    assert answer.status_code == 409
    assert "nothing to recreate" in answer.json()["detail"]
    assert olga.post(f"{PAGE}recreate/", follow=True).status_code == 200
    assert not grid.units.get(name="").recreate
    assert not AuditEvent.objects.filter(verb="recreate").exists()


def test_viewers_may_not(world, db):
    headless(world)
    vic = Client(headers={"host": "localhost"})
    vic.force_login(builders.a_person("vic", "viewer"))
    assert vic.post(REST, {}, content_type="application/json").status_code == 403
    assert vic.post(f"{PAGE}recreate/").status_code == 403
