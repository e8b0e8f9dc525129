"""What nodes and pods use, from the cluster into rows: of nodes, NodeUnits, pods, cells and grids."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from embedded_cluster import EmbeddedCluster
from sgportal.cluster import Unreachable
from sgportal.core.usage.measure import Amount, NodeSample
from sgportal.core.usage.ring import POINTS
from sgportal.models import (
    CellUsage,
    GridUnit,
    ManagedCluster,
    Node,
    NodeLabel,
    NodeUsage,
    Pod,
    PodUsage,
    UnitUsage,
    UsageSource,
)
from sgportal.models.usage import MEASURED
from sgportal.reconciler import duties
from sgportal.reconciler.process import connection
from sgportal.reconciler.usage import measuring

from ..world import World, a_grid, a_template

MIB = 2**20


@pytest.fixture
def server():
    """The embedded cluster with what metrics-server serves."""
    with EmbeddedCluster("walkthrough", metrics=True) as embedded:
        yield embedded


@pytest.fixture
def on(settings):
    settings.SGPORTAL_METRICS_SERVER = True
    settings.SGPORTAL_USAGE_SECONDS = 60


@pytest.fixture
def fleet(world: World, on):
    """Two NodeUnits, one with two nodes, a grid with two pods in each."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.label("node2", zone="b")
    world.save(a_grid("shop", template=a_template("img:1", 2)))
    world.until(lambda: world.resync() or _all_run())
    return world


def _all_run() -> bool:
    return Pod.objects.filter(ready=True, child__startswith="shop-").count() == 4 and (
        GridUnit.objects.exclude(child="").count() == 2
    )


def _measured() -> None:
    assert measuring.look(connection.reading) >= 60
    assert UsageSource.now().sentence is None


def test_what_is_measured_is_kept_by_node_unit_pod_cell_and_grid(fleet):
    _measured()
    nodes = {row.node: row for row in NodeUsage.objects.all()}
    assert nodes.keys() == {"node0", "node1", "node2"}
    units = {row.unit: row for row in UnitUsage.objects.filter(key="zone")}
    assert units.keys() == {"a", "b"}
    assert (units["a"].cpu, units["a"].memory) == (nodes["node0"].cpu, nodes["node0"].memory)
    assert 0 < units["b"].cpu <= nodes["node1"].cpu + nodes["node2"].cpu
    assert (units["b"].cpu_total, units["b"].memory_total) == (8000, 16 * 1024)
    pods = list(PodUsage.objects.all())
    assert {(row.namespace, row.child_kind, row.child) for row in pods} == {
        ("default", "Deployment", "shop-a"),
        ("default", "Deployment", "shop-b"),
    }
    cells = {row.unit: row for row in CellUsage.objects.all()}
    assert {unit: (row.kind, row.namespace, row.name, row.key) for unit, row in cells.items()} == dict.fromkeys(
        ("a", "b", ""), ("DeploymentGrid", "default", "shop", "zone")
    )
    assert cells["a"].memory + cells["b"].memory - 1 <= cells[""].memory <= cells["a"].memory + cells["b"].memory


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_each_look_is_a_point_and_a_missed_one_a_gap(on):
    node = Node.objects.create(name="n0", info={"allocatable": {"cpu": "2", "memory": "4Gi"}})
    NodeLabel.objects.create(node=node, key="zone", value="a")
    for minute, cores in ((0, "1"), (1, "0.5"), (4, "1.5")):
        sample = NodeSample("n0", Amount(Decimal(cores), Decimal(MIB)))
        measuring.keep([sample], [], NOON + timedelta(minutes=minute))
    for row in (NodeUsage.objects.get(), UnitUsage.objects.get()):
        assert (row.cpu, row.cpu_total, row.memory, row.memory_total) == (1500, 2000, 1, 4096)
        assert row.cpu_ring == [1000, 500, None, None, 1500]
        assert row.memory_ring == [1, 1, None, None, 1]
        assert row.at == NOON + timedelta(minutes=4)


def test_a_look_is_one_list_of_each_kind_and_no_statement_for_a_row(fleet):
    fleet.server.reset_counts()
    with CaptureQueriesContext(database) as first:
        _measured()
    assert {key: count for key, count in fleet.server.requests.items() if key[1] in ("nodes", "pods")} == {
        ("GET", "nodes"): 1,
        ("GET", "pods"): 1,
    }
    for unit in ("node1", "node2"):
        fleet.label(unit, zone=f"of-{unit}")
    with CaptureQueriesContext(database) as second:
        _measured()
    assert len(second) <= len(first)


def test_what_is_gone_is_forgotten(fleet):
    _measured()
    long_ago = timezone.now() - timedelta(seconds=60 * POINTS + 1)
    PodUsage.objects.create(namespace="default", name="gone", at=long_ago, cpu=1, memory=1)
    UnitUsage.objects.create(key="zone", unit="gone", at=long_ago, cpu=1, memory=1)
    _measured()
    assert not PodUsage.objects.filter(name="gone").exists()
    assert sorted(UnitUsage.objects.filter(key="zone").values_list("unit", flat=True)) == ["a", "b"]


def test_off_nothing_is_asked_and_nothing_is_kept(fleet, settings):
    _measured()
    settings.SGPORTAL_METRICS_SERVER = False
    fleet.server.reset_counts()
    assert duties.run("usage") == measuring.OFF_SECONDS
    assert not any(model.objects.exists() for model in MEASURED)
    assert sum(fleet.server.requests.values()) == 0


def test_a_pod_of_nobodys_is_not_kept(fleet):
    alone = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "alone", "namespace": "default"}}
    fleet.cluster.apply({**alone, "spec": a_template("img:1", 1, app="alone")})
    fleet.until(
        lambda: any("alone" in each["metadata"]["name"] for each in next(fleet.cluster.pages(measuring.PODS)).items)
    )
    _measured()
    assert not PodUsage.objects.filter(name__startswith="alone").exists()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(403, measuring.NOT_ALLOWED), (404, measuring.NOT_SERVED), (503, measuring.NO_ANSWER)],
)
def test_why_nothing_is_measured_is_said(fleet, status, sentence):
    _measured()
    fleet.embedded.faults.add("status", path="metrics.k8s.io", code=status)
    assert measuring.look(connection.reading) >= 60
    source = UsageSource.now()
    assert source.sentence == sentence
    assert source.read_at is not None  # when it was read last
    assert NodeUsage.objects.exists()  # as it was then, and its age says so


def test_an_api_server_that_is_gone_is_no_matter_of_metrics(fleet):
    _measured()
    fleet.embedded.unreachable(True)
    with pytest.raises(Unreachable):
        measuring.look(connection.reading)
    assert UsageSource.now().sentence is None


def test_a_metrics_server_that_says_nothing_is_told_from_an_api_server_that_is_gone(fleet):
    fleet.embedded.faults.add("drop", path="metrics.k8s.io")
    assert measuring.look(connection.reading) >= 60
    assert UsageSource.now().sentence == measuring.NO_ANSWER


def test_what_is_old_is_forgotten_while_nothing_answers(fleet):
    _measured()
    NodeUsage.objects.update(at=timezone.now() - timedelta(seconds=60 * POINTS + 1))
    fleet.embedded.unreachable(True)
    with pytest.raises(Unreachable):
        measuring.look(connection.reading)
    assert not NodeUsage.objects.exists()
    assert PodUsage.objects.exists()


def test_while_everything_stops_nothing_is_measured(fleet):
    row = ManagedCluster.locked()
    row.halt = "another-cluster"
    row.save()
    fleet.server.reset_counts()
    assert duties.run("usage") == measuring.REST_SECONDS
    assert sum(fleet.server.requests.values()) == 0
    assert not NodeUsage.objects.exists()
