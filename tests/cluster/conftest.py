"""A cluster to talk to: the embedded one, over TLS on a real port; or a scripted server where the wire itself is at
fault."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from embedded_cluster import EmbeddedCluster
from sgportal.cluster import Cluster, connect

from .wire import ScriptedServer


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedCluster]:
    """Three nodes, nothing else; the target `demo` leads to it."""
    with EmbeddedCluster("walkthrough") as running:
        monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(running.kubeconfig_path))
        yield running


@pytest.fixture
def cluster(embedded: EmbeddedCluster) -> Iterator[Cluster]:
    """The client under test."""
    made = connect("demo", threads=4, read_seconds=5.0)
    yield made
    made.close()


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Cluster]]:
    """A client of a server that answers connections as told, one script after the other."""
    servers: list[ScriptedServer] = []

    def serve(*scripts: object) -> Cluster:
        server = ScriptedServer(scripts)  # type: ignore[arg-type]
        servers.append(server)
        path = tmp_path / "kubeconfig"
        path.write_text(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "c", "cluster": {"server": server.url}}],
                    "users": [{"name": "u", "user": {"token": "t"}}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )
        monkeypatch.setenv("KUBECONFIG", str(path))
        made = connect("kubeconfig", read_seconds=0.5)
        made.server = server  # type: ignore[attr-defined]
        return made

    yield serve
    for server in servers:
        server.close()
