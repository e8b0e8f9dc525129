"""The world of each reconciler test."""

import pytest

from sgportal.cluster import connect, install_crds
from sgportal.demo import EmbeddedCluster
from sgportal.reconciler import access

from .world import World


@pytest.fixture
def world(transactional_db, monkeypatch, settings):
    """Three Ready nodes without labels, our custom resources, nothing else."""
    with EmbeddedCluster("walkthrough") as embedded:
        monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(embedded.kubeconfig_path))
        settings.SGPORTAL_CLUSTER = "demo"
        access.disconnect()
        cluster = connect("demo", threads=8)
        install_crds(cluster)
        made = World(embedded, cluster)
        made.look()
        embedded.reset_counts()
        yield made
        access.disconnect()
        cluster.close()
