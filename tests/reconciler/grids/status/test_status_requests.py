"""What it takes to publish the status of a grid: one request, where nobody else changed its custom resource."""

import pytest

from sgportal.models import Grid, GridUnit
from sgportal.reconciler.grids.status import publish
from sgportal.reconciler.queue import workqueue
from sgportal.reconciler.worker import run

from .test_record_cells import grids, recorded, sites  # noqa: F401

KEY = "status/zone"


def status_requests(world):
    """How often each verb was used on grids."""
    asked = {"GET": 0, "PATCH": 0}
    for (method, what), count in world.server.requests.items():
        if "grids" in what:
            asked[method] += count
    return asked


def change(world, ready):
    """A change of a cell of each grid."""
    GridUnit.objects.filter(name="a").update(ready=ready, state="Degraded" if ready else "Progressing")
    publish.mark(grids())
    workqueue.enqueue([KEY], urgent=True)
    world.server.reset_counts()


@pytest.mark.embedded_only
def test_a_status_turn_is_one_request_of_each_grid(sites, monkeypatch):  # noqa: F811
    monkeypatch.setattr(publish, "PACE_SECONDS", 0)
    for ready in (1, 0, 1):
        change(sites, ready)
        run(KEY)
        assert status_requests(sites) == {"GET": 0, "PATCH": 2}
        for grid in grids():
            status = dict(sites.get(grid.name, "DeploymentGrid")["status"])
            assert status.pop("observedGeneration") == grid.cluster_generation
            assert status == {name: value for name, value in grid.status.items() if name != "observedGeneration"}
        Grid.objects.update(published_at=None)


@pytest.mark.embedded_only
@pytest.mark.parametrize("somebody", ["edits", "writes a status", "loses it", "makes it anew"])
def test_a_custom_resource_that_is_not_as_we_left_it_is_looked_at(sites, monkeypatch, somebody):  # noqa: F811
    """One that somebody changed meanwhile: a status that we did not write is no longer there afterwards, nor is one of
    ours on another's grid."""
    monkeypatch.setattr(publish, "PACE_SECONDS", 0)
    place = ("DeploymentGrid", "default", "g")
    merge = "application/merge-patch+json"
    if somebody == "edits":
        sites.cluster.patch(*place, {"metadata": {"labels": {"a": "b"}}}, merge)
    elif somebody == "makes it anew":
        body = sites.get("g", "DeploymentGrid")
        sites.cluster.patch(*place, {"metadata": {"finalizers": None}}, merge)
        sites.cluster.delete(*place)
        kept = {name: body["metadata"][name] for name in ("name", "namespace", "labels") if name in body["metadata"]}
        sites.cluster.create({**{name: body[name] for name in ("apiVersion", "kind", "spec")}, "metadata": kept})
    else:
        theirs = {"conditions": None, "states": {"b": None, "strange": {"replicas": 9}}, "totalUnits": 99}
        said = theirs if somebody == "writes a status" else dict.fromkeys(sites.get("g", "DeploymentGrid")["status"])
        sites.cluster.patch(*place, {"status": said}, merge, subresource="status")
    change(sites, 1)
    run(KEY)
    asked, found = status_requests(sites), sites.get("g", "DeploymentGrid").get("status") or {}
    if somebody == "makes it anew":
        assert found == {}
    else:
        assert asked == {"GET": 1, "PATCH": 3}
        assert found == {**Grid.objects.get(name="g").status, "observedGeneration": found["observedGeneration"]}
        assert "strange" not in found["states"]


@pytest.mark.embedded_only
def test_a_status_that_did_not_arrive_is_not_taken_for_one_that_did(sites, monkeypatch):  # noqa: F811
    """Else only what differs from it would be sent, and the rest be missing for good."""
    monkeypatch.setattr(publish, "PACE_SECONDS", 0)
    sites.label("node2", zone="c")
    recorded(sites, "c")
    sites.embedded.faults.add("status", methods=["PATCH"], path="/deploymentgrids/g/status", code=500)
    run(KEY)
    assert "c" not in sites.get("g", "DeploymentGrid")["status"]["states"]
    sites.embedded.faults.clear()
    Grid.objects.update(published_at=None)
    change(sites, 1)
    run(KEY)
    grid, found = Grid.objects.get(name="g"), sites.get("g", "DeploymentGrid")["status"]
    assert found == {**grid.status, "observedGeneration": grid.cluster_generation}
    assert set(found["states"]) == {"a", "b", "c"}
