"""The file of budgets, and worlds of two sizes."""

import pytest
from django.db import connection as database

from embedded_cluster import EmbeddedCluster
from sgportal.cluster import client, connect, upgrade_crds
from sgportal.reconciler.process import connection
from tests.reconciler.world import World

from .counting import Budgets

SMALL, LARGE = 3, 60


@pytest.fixture
def budgets(request) -> Budgets:
    """Another database takes other batches, and so other counts."""
    if database.vendor != "sqlite":
        pytest.skip("the file counts the statements of SQLite")
    return Budgets(request.config.getoption("--rewrite-budgets"))


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def units(request) -> int:
    """How many NodeUnits there are."""
    return request.param


@pytest.fixture
def world(units, transactional_db, monkeypatch, settings):
    """A cluster with so many NodeUnits of the key `site`, each of one node. What our client asks again after some time
    is asked once here, so that no count hangs on the clock."""
    monkeypatch.setattr(client, "_SERVES_SECONDS", 1e9)
    monkeypatch.setattr(client, "_CONFIRMED_SECONDS", 1e9)
    with EmbeddedCluster(f"large:{units}x{units}") as server:
        monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(server.kubeconfig_path))
        settings.SGPORTAL_CLUSTER = "demo"
        connection.disconnect()
        cluster = connect("demo", threads=8)
        upgrade_crds(cluster)
        made = World(server, cluster)
        made.look()
        yield made
        connection.disconnect()
        cluster.close()
