"""The ConfigMap by which CoreDNS gives each NodeUnit its own answer: written and kept, with the entries of others."""

import pytest

from sgportal.cluster import Refused, Unreachable
from sgportal.models import Grid, Node
from sgportal.reconciler import naming

from ..world import a_grid, a_template
from .test_fronts import a_service

pytestmark = pytest.mark.embedded_only  # the real one is in tests/closed_loop/test_names.py
PLACE = "default/coredns-custom"
ENTRY = naming.ENTRY


@pytest.fixture
def named(world, settings):
    """Two NodeUnits, a headless ServiceGrid with a Service for each, and the StatefulSetGrid it names."""
    settings.SGPORTAL_DNS_CONFIGMAP = PLACE
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    manifest = a_grid("db", template={**a_template(), "serviceName": "web-svc"})
    world.save({**manifest, "kind": "StatefulSetGrid"})
    world.save(a_service("perUnit", clusterIP="None"))
    return world


def keep(world):
    """Have the names kept, as a worker does, and the grids whose condition changed reconciled."""
    seconds = naming.keep(lambda: world.cluster)
    world.settle()
    return seconds


def entry(world):
    body = world.cluster.get("ConfigMap", "default", "coredns-custom") or {}
    return (body.get("data") or {}).get(ENTRY, "")


def said(world):
    conditions = Grid.objects.get(kind="ServiceGrid").status["conditions"]
    return next(((each["status"], each["reason"]) for each in conditions if each["type"] == "NamesPerUnit"), None)


def test_the_entry_says_what_the_rows_do(named):
    assert keep(named) == naming.EVERY_SECONDS
    assert "view zone=a {" in entry(named)
    assert "view zone=b {" in entry(named)
    assert "^db-([0-9]+)" in entry(named)
    assert said(named) == ("True", "Written")

    named.label("node1", zone="c")
    named.settle()
    keep(named)
    assert "view zone=b {" not in entry(named)
    assert "view zone=c {" in entry(named)


def test_the_entry_of_another_stays_and_ours_comes_back(named):
    other = {"metadata": {"namespace": "default", "name": "coredns-custom"}, "data": {"mine.server": "x {}"}}
    named.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", **other})
    keep(named)
    text = entry(named)
    assert text
    named.cluster.patch(
        "ConfigMap", "default", "coredns-custom", {"data": {ENTRY: None}}, "application/merge-patch+json"
    )
    assert not entry(named)
    keep(named)
    assert entry(named) == text
    Grid.objects.all().delete()
    keep(named)
    body = named.cluster.get("ConfigMap", "default", "coredns-custom")
    assert body["data"] == {"mine.server": "x {}"}


def test_what_stands_in_the_way_is_said(named, monkeypatch):
    def refuse(*_, **__):
        raise Refused("configmaps is forbidden")

    monkeypatch.setattr(type(named.cluster), "apply", refuse)
    naming.keep(lambda: named.cluster)
    assert Grid.objects.get(kind="ServiceGrid").naming["reason"] == "NotWritten"
    monkeypatch.undo()


def test_a_cluster_that_does_not_answer_changes_nothing_that_is_said(named):
    keep(named)

    def nobody():
        raise Unreachable("no answer")

    with pytest.raises(Unreachable):
        naming.keep(nobody)
    assert Grid.objects.get(kind="ServiceGrid").naming["reason"] == "Written"


def test_nodes_whose_questions_cannot_be_told_apart_are_named(named):
    Node.objects.filter(name="node1").update(info={})
    keep(named)
    assert said(named) == ("False", "AddressesUnknown")
    assert "view zone=b {" not in entry(named)


def test_without_a_config_map_nothing_is_written_and_that_is_said(named, settings):
    settings.SGPORTAL_DNS_CONFIGMAP = ""

    def nobody():
        raise AssertionError("the cluster is asked for nothing")

    assert naming.keep(nobody) == naming.UNUSED_SECONDS
    named.settle()
    assert said(named) == ("False", "NotSetUp")
    assert not entry(named)
