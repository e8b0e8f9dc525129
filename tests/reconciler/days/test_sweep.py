"""The sweep: it asks for one list of each kind, writes nothing where nothing has changed, and finds whatever the watch
or a lost key has missed."""

from collections import Counter

import pytest
from django.db.models import F
from django.utils import timezone

from sgportal.models import Child, DueCell, Grid, GridUnit, WorkKey
from sgportal.reconciler import duties, sweep
from sgportal.reconciler.queue import workqueue

from ..world import a_grid, a_template, seed

GRIDS = ("g", "h", "i")


@pytest.fixture
def several(world):
    """Units a and b, three Ready grids and a ServiceGrid, nothing to do, and rows that say how all of it is."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.save(*(a_grid(name, template=a_template(app=name)) for name in GRIDS))
    world.save(seed("servicegrid"))
    world.until_ready(*(f"{name}-{unit}" for name in GRIDS for unit in "ab"))
    world.resync()
    world.until(
        lambda: world.look() or not swept(world).keys() & paths(*GRIDS)
    )  # controllers have said all they had to
    assert set(Grid.objects.exclude(kind="ServiceGrid").values_list("state", flat=True)) == {"Ready"}
    return world


def swept(world) -> Counter[str]:
    """Sweep, and do what follows from it; how often each key was reconciled."""
    before = dict(WorkKey.objects.values_list("key", "done"))
    world.server.reset_counts()
    duties.resync()
    world.settle()
    after = dict(WorkKey.objects.values_list("key", "done"))
    return Counter({key: done - before.get(key, 0) for key, done in after.items() if done != before.get(key, 0)})


def paths(*names: str) -> set[str]:
    return {f"deploymentgrids/default/{name}" for name in names}


def whole(world) -> set[str]:
    """The grids of workloads that are reconciled whole in a sweep."""
    return swept(world).keys() & paths(*GRIDS)


def forget_what_is_due() -> None:
    """As if everything that is due had been lost."""
    DueCell.objects.all().delete()
    WorkKey.objects.update(requested=F("done"))


def test_a_sweep_over_what_has_not_changed_writes_nothing_and_lists_each_kind_once(several):
    swept(several)  # the ServiceGrid's may be reconciled whole once
    seen = timezone.now()
    assert not [key for key in swept(several) if not key.endswith(sweep.SUFFIX)]
    asked = several.server.requests
    assert several.writes() == 0
    lists = {plural: count for (method, plural), count in asked.items() if method == "GET"}
    assert all(lists.get(each) == 1 for each in ("deployments", "services", "deploymentgrids", "servicegrids")), lists
    assert lists.get("statefulsets", 0) == 0, "there is no grid of these"
    assert Grid.objects.filter(seen_at__gte=seen).count() == Grid.objects.count()


_WRONG_STATUS = {"status": {"observedGeneration": 99}}
MISSED = {
    "a child is deleted": lambda world: world.cluster.delete("Deployment", "default", "g-a"),
    "a child is edited": lambda world: world.edit("g-a", {"spec": {"replicas": 4}}),
    "a child loses its label": lambda world: world.edit(
        "g-a", {"metadata": {"labels": {"superedge.io/grid-selector": None}}}
    ),
    "the grid is edited": lambda world: world.edit(
        "g", {"spec": a_grid(template=a_template("img:9", app="g"))["spec"]}, "DeploymentGrid"
    ),
    "somebody writes the status": lambda world: world.edit("g", _WRONG_STATUS, "DeploymentGrid", subresource="status"),
}


@pytest.mark.parametrize("what", MISSED)
def test_a_sweep_finds_what_the_watch_has_missed(several, what):
    MISSED[what](several)
    assert whole(several) == paths("g")
    assert several.get("g-a")["spec"]["replicas"] == 1
    assert several.get("g-a")["metadata"]["labels"]["superedge.io/grid-selector"] == "g"
    body = several.get("g", "DeploymentGrid")
    assert body["status"]["observedGeneration"] == body["metadata"]["generation"]


LOST = {
    "a unit comes": (lambda world: world.label("node2", zone="c"), paths(*GRIDS)),
    "a child is deleted": (lambda world: world.cluster.delete("Deployment", "default", "g-a"), paths("g")),
    "a row says something else": (lambda world: GridUnit.objects.filter(child="h-b").update(ready=7), paths("h")),
    "a sum is wrong": (lambda world: Grid.objects.filter(name="h").update(pods_ready=7), paths("h")),
    "a child that nobody wants": (
        lambda world: world.cluster.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                **_named_as(world.get("g-a"), "g-stray"),
                "spec": world.get("g-a")["spec"],
            }
        ),
        paths("g"),
    ),
}


def _named_as(body, name):
    kept = {
        key: body["metadata"][key] for key in ("labels", "annotations", "ownerReferences") if key in body["metadata"]
    }
    return {"metadata": {"namespace": "default", "name": name, **kept}}


@pytest.mark.parametrize("what", LOST)
def test_a_sweep_finds_what_was_seen_and_then_lost(several, what):
    deed, grids = LOST[what]
    deed(several)
    several.look()
    forget_what_is_due()
    assert whole(several) == grids
    assert several.cluster.get("Deployment", "default", "g-a")
    assert (several.cluster.get("Deployment", "default", "g-c") is not None) == (what == "a unit comes")
    assert GridUnit.objects.get(child="h-b").ready == 1
    ready = GridUnit.objects.filter(grid__name="h").values_list("ready", flat=True)
    assert Grid.objects.get(name="h").pods_ready == sum(ready)


def test_a_sweep_takes_in_a_custom_resource_that_nobody_saw(several):
    several.cluster.create(a_grid("new", template=a_template(app="new")))
    swept(several)
    assert Grid.objects.get(name="new").generation == 1
    assert {"new-a", "new-b"} <= set(several.names())


def test_a_sweep_leaves_a_grid_alone_that_is_being_reconciled(several):
    swept(several)
    with workqueue.acquire_free(paths("g")):
        assert whole(several) == set()
    GridUnit.objects.filter(child="g-b").update(ready=7)
    assert whole(several) == paths("g")


@pytest.mark.embedded_only
def test_every_grid_is_reconciled_whole_where_the_cluster_cannot_be_listed(several):
    swept(several)
    several.embedded.faults.add("status", code=403, verbs=["list"], resource="deploymentgrids", count=1)
    assert whole(several) == paths(*GRIDS)
    assert Child.objects.filter(kind="Deployment").exclude(grid_name="").count() == 2 * len(GRIDS)
