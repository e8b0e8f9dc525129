"""The worlds of the reconciler's tests: the embedded cluster and a real one. Every test that uses `world` runs on both,
unchanged, unless it is `embedded_only` or `real_only`."""

import pytest

from embedded_cluster import EmbeddedCluster
from sgportal.cluster import connect, upgrade_crds
from sgportal.reconciler.grids import cell_batch
from sgportal.reconciler.grids.status import publish
from sgportal.reconciler.process import connection
from tests.kube.product import PRODUCT

from .real import RealCluster, as_product
from .world import World

KINDS = {"embedded_only": ["embedded"], "real_only": ["real"]}


def pytest_generate_tests(metafunc):
    """Run on both clusters, or on the one that can do what the test needs."""
    if "cluster_kind" in metafunc.fixturenames:
        kinds = next((kinds for mark, kinds in KINDS.items() if metafunc.definition.get_closest_marker(mark)), None)
        kinds = kinds or ["embedded", "real"]
        marks = {"embedded": (), "real": (pytest.mark.kubernetes,)}
        params = [pytest.param(kind, marks=marks[kind]) for kind in kinds]
        metafunc.parametrize("cluster_kind", params, scope="session")


@pytest.fixture(scope="session")
def real_cluster(control_plane):
    """A real cluster with our definitions from the first (its garbage collector learns of new kinds every 30 seconds
    only)."""
    with as_product(control_plane) as real:
        yield real


@pytest.fixture
def server(request, cluster_kind):
    """Three Ready nodes without labels and nothing else, on an embedded or a real cluster."""
    if cluster_kind == "embedded":
        with EmbeddedCluster("walkthrough") as embedded:
            yield embedded
        return
    real = request.getfixturevalue("real_cluster")
    real.clean()
    yield real


@pytest.fixture
def world(server, transactional_db, monkeypatch, settings):
    """Three Ready nodes without labels, our custom resources, nothing else. On the real cluster the product is a user
    with the roles of deploy/rbac.yaml, the test an administrator."""
    monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(server.kubeconfig_path))
    monkeypatch.setattr(publish, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(publish, "PACE_SECONDS", 0.0)
    monkeypatch.setattr(publish, "REST", 0)
    monkeypatch.setattr(cell_batch, "REST_SECONDS", 0.0)
    settings.SGPORTAL_CLUSTER = "demo"
    connection.disconnect()
    cluster = connect("demo", threads=8)
    upgrade_crds(cluster, 75, 75)
    if isinstance(server, RealCluster):
        monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(server.plane.kubeconfig(PRODUCT)))
    made = World(server, cluster)
    made.look()
    server.reset_counts()
    yield made
    connection.disconnect()
    cluster.close()
