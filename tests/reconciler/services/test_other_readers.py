"""What else reads a closed Service is told on the grid while it does, and what cannot be looked for is said once."""

import pytest
from django.test import Client

from sgportal.cluster import Refused
from sgportal.cluster.kinds import Resource
from sgportal.models import DataPlane, Grid, GridEvent, WorkKey
from sgportal.reconciler.discovery import readers
from sgportal.reconciler.process import connection
from tests import builders

from ..discovery.planes import planes
from ..world import seed

BACKEND = {"name": "web-svc", "port": 80}
INGRESS = Resource("Ingress", "networking.k8s.io/v1", "ingresses")


def a_service(name="web", mode="strict", **template):
    manifest = seed("servicegrid")
    manifest["metadata"]["name"] = name
    manifest["spec"] |= {"gridUniqKey": "zone", "closure": {"mode": mode}}
    manifest["spec"]["template"] = {"selector": {"app": "web"}, "ports": [{"port": 80}], **template}
    return manifest


def an_ingress(service, name="shop"):
    backend = {"service": {"name": service, "port": {"number": 80}}}
    rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {"apiVersion": INGRESS.api_version, "kind": "Ingress", "metadata": {"name": name}, "spec": {"rules": [rule]}}


@pytest.fixture
def ingress(world):
    """Makes an Ingress, and takes it away at the end."""
    path = INGRESS.path("default")
    made = []

    def make(service, name="shop"):
        headers = {"Content-Type": "application/json"}
        world.cluster._transport.call("POST", path, body=an_ingress(service, name), headers=headers)
        made.append(name)

    def remove():
        while made:
            world.cluster._transport.call("DELETE", f"{path}/{made.pop()}")

    make.remove = remove
    yield make
    remove()


def look(world):
    """Look for readers as the product may, and let the grids say what was found."""
    world.look()
    readers.look(connection.cluster)
    world.settle()


def told(kind="OtherReaders", name="web"):
    status = Grid.objects.get(name=name).status
    return next((each for each in status["conditions"] if each["type"] == kind), None)


def test_an_ingress_that_names_a_closed_service_is_told_at_every_door_until_it_is_gone(world, ingress):
    world.label("node0", zone="a")
    world.save(a_service(), a_service("open", "open"))
    ingress("web-svc")
    ingress("open-svc", "fine")
    look(world)
    found = told()
    assert (found["status"], found["reason"]) == ("True", "SlicesRead")
    assert "Ingress default/shop (1 in all)" in found["message"]
    assert told(name="open") is None
    assert GridEvent.objects.filter(path="servicegrids/default/web", reason="SlicesRead", type="Warning").count() == 1
    conditions = world.get("web", "ServiceGrid")["status"]["conditions"]
    assert found in conditions
    viewer = Client(headers={"host": "localhost"})
    viewer.force_login(builders.a_person("vic", "viewer"))
    assert found in viewer.get("/api/v1/servicegrids/default/web").json()["status"]["conditions"]
    assert "Ingress default/shop" in viewer.get("/grids/servicegrids/default/web/").content.decode()
    gauge = 'sgportal_closure_other_readers{namespace="default",servicegrid="%s"} %s'
    metrics = viewer.get("/metrics").content.decode()
    assert gauge % ("web", "1.0") in metrics
    assert gauge % ("open", "0.0") in metrics
    look(world)
    assert GridEvent.objects.filter(reason="SlicesRead").get().count == 1  # no news, no event
    ingress.remove()
    look(world)
    assert told() is None
    assert Grid.objects.get(name="web").readers == {}


@pytest.mark.embedded_only
def test_a_service_that_is_open_again_is_nobodys_business(world, ingress):
    grid = world.save(a_service())
    ingress("web-svc")
    look(world)
    world.change(grid, lambda manifest: manifest["spec"].update(closure={"mode": "open"}))
    assert told() is None
    look(world)
    assert Grid.objects.get().readers == {}


def test_traffic_from_outside_is_told_where_a_check_cannot_see_the_refusal(world):
    grid = world.save(a_service(type="NodePort"))
    assert (told("ExternalTraffic")["status"], told("ExternalTraffic")["reason"]) == ("True", "PolicyCluster")
    world.change(grid, lambda manifest: manifest["spec"]["template"].update(externalTrafficPolicy="Local"))
    assert told("ExternalTraffic") is None


@pytest.mark.embedded_only
def test_without_a_closed_service_nothing_is_asked(world):
    world.save(a_service(mode="open"))
    world.server.reset_counts()
    assert readers.look(lambda: world.cluster) >= 60
    assert sum(world.server.requests.values()) == 0


@pytest.mark.embedded_only
def test_kinds_that_may_not_be_listed_are_named_and_the_others_are_looked_for(world, ingress, monkeypatch):
    world.save(a_service())
    ingress("web-svc")
    pages = world.cluster.pages

    def refusing(kind, *arguments, **options):
        if getattr(kind, "kind", "") == "Ingress":
            raise Refused("ingresses is forbidden", 403)
        return pages(kind, *arguments, **options)

    monkeypatch.setattr(world.cluster, "pages", refusing)
    readers.look(lambda: world.cluster)
    assert DataPlane.now().readers["unseen"] == ["Ingress"]
    viewer = Client(headers={"host": "localhost"})
    viewer.force_login(builders.a_person("vic", "viewer"))
    answer = viewer.get("/api/v1/cluster").json()["closedLoop"]["otherReaders"]
    assert (answer["unseen"], answer["cut"]) == (["Ingress"], [])
    assert "Ingress" in viewer.get("/cluster/").content.decode()


@pytest.mark.embedded_only  # a real API server takes definitions of this group only where somebody approved them
def test_a_route_is_found_in_whatever_version_it_is_served(world):
    world.save(a_service())
    route = Resource("TCPRoute", "gateway.networking.k8s.io/v1alpha2", "tcproutes")
    body = {"apiVersion": route.api_version, "kind": "TCPRoute", "metadata": {"name": "sql"}}
    with planes(world) as made:
        made.serve(route)
        made.make(route.path("default"), {**body, "spec": {"rules": [{"backendRefs": [BACKEND]}]}})
        look(world)
        assert "TCPRoute default/sql (1 in all)" in told()["message"]
    assert DataPlane.now().readers == {"unseen": [], "cut": []}


@pytest.mark.embedded_only
def test_where_not_even_the_groups_may_be_listed_no_kind_is_looked_for(world, monkeypatch):
    def refusing():
        raise Refused("forbidden", 403)

    world.save(a_service())
    monkeypatch.setattr(world.cluster, "groups", refusing)
    readers.look(lambda: world.cluster)
    assert {"Ingress", "HTTPRoute", "ServiceMonitor"} <= set(DataPlane.now().readers["unseen"])


@pytest.mark.embedded_only
def test_of_very_many_only_so_many_are_read_and_that_is_said(world, ingress, monkeypatch):
    monkeypatch.setattr(readers, "PAGE", 1)
    monkeypatch.setattr(readers, "MOST_PAGES", 2)
    world.save(a_service())
    for number in range(3):
        ingress("web-svc", f"shop{number}")
    world.look()
    readers.look(lambda: world.cluster)
    assert DataPlane.now().readers["cut"] == ["Ingress"]
    assert Grid.objects.get().readers["count"] == 2


@pytest.mark.embedded_only
def test_a_thousand_grids_cost_as_many_statements_as_one(world, django_assert_max_num_queries):
    for number in range(4):
        world.save(a_service(f"web{number}"))
    with django_assert_max_num_queries(10):
        readers.look(lambda: world.cluster)
    assert not WorkKey.objects.due().exclude(key__startswith="status/").exists()
