"""A zone that the portal gives to a node is named by the slices of closed Services first."""

import time

import pytest

from sgportal.core.names import ZONE
from sgportal.models import Grid, LabelJob
from sgportal.reconciler import label_jobs

from ..watching import a_watch, until
from .test_keeper import a_keeper, closed, sentinels, slices

__all__ = ["closed"]  # a fixture
GUARD = "servicegrid-demo-svc-v4refuse1"


@pytest.fixture
def kept(closed, monkeypatch):
    """A closed Service, as the rows have it."""
    monkeypatch.setattr(label_jobs, "FOLLOW_SECONDS", 0.2)
    with a_watch(closed.cluster):
        with a_keeper(closed.cluster):
            assert Grid.objects.filter(status__closure="strict").exists()
            until(lambda: label_jobs._lacking("brand-new") == ["default/servicegrid-demo-svc"])
            assert label_jobs._lacking("nodeunit1") == []
        yield closed


def version(body):
    return int(body["metadata"]["resourceVersion"])


def node(world, name):
    return next(each for each in world.cluster.list("Node").items if each["metadata"]["name"] == name)


@pytest.mark.parametrize("how", ["one node", "a job"])
def test_a_new_zone_is_named_before_a_node_has_it(kept, how):
    with a_keeper(kept.cluster):
        if how == "one node":
            label_jobs.write("node0", {ZONE: "brand-new"})
        else:
            results = {"node0": {"before": {}, "state": "pending", "detail": ""}}
            job = LabelJob.objects.create(changes={ZONE: "brand-new"}, results=results, author="ada")
            label_jobs.run(str(job.pk), kept.cluster)
            assert LabelJob.objects.get(pk=job.pk).results["node0"]["state"] == "done"
        labelled = node(kept, "node0")
        assert labelled["metadata"]["labels"][ZONE] == "brand-new"
        assert "brand-new" in sentinels(kept, "forZones")["v4refuse1"]
        assert version(slices(kept)[GUARD]) < version(labelled)
        since = time.monotonic()
        label_jobs.write("node1", {ZONE: "brand-new"})
        assert time.monotonic() - since < label_jobs.NAMED_SECONDS, "what is named already is not waited for"


def test_without_a_keeper_a_node_gets_no_zone_that_nobody_named(kept, monkeypatch):
    monkeypatch.setattr(label_jobs, "NAMED_SECONDS", 0.5)
    with pytest.raises(label_jobs.ZoneNotNamed, match="are a keeper and a watch running"):
        label_jobs.write("node0", {ZONE: "brand-new", "other": "label"})
    assert ZONE not in node(kept, "node0")["metadata"]["labels"]
    results = {"node0": {"before": {}, "state": "pending", "detail": ""}}
    job = LabelJob.objects.create(changes={ZONE: "brand-new"}, results=results, author="ada")
    label_jobs.run(str(job.pk), kept.cluster)
    found = LabelJob.objects.get(pk=job.pk)
    assert (found.state, found.results["node0"]["state"]) == (LabelJob.State.FAILED, "failed")
    assert "do not name zone" in found.results["node0"]["detail"]
    label_jobs.write("node0", {ZONE: "nodeunit2"})
    assert node(kept, "node0")["metadata"]["labels"][ZONE] == "nodeunit2", "the name of a NodeUnit is expected"
