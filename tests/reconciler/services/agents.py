"""What carries traffic on nodes, for as long as a test."""

import pytest

from ..watching import until


class Agents:
    """What carries traffic on nodes, as pods of kube-system, which is not cleared between tests."""

    def __init__(self, world):
        self.cluster, self.names = world.cluster, []

    def run(self, app, image, node):
        self.names.append(f"{app}-{node}")
        metadata = {"name": self.names[-1], "namespace": "kube-system", "labels": {"k8s-app": app}}
        spec = {"nodeName": node, "containers": [{"name": app, "image": image}]}
        self.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def end(self):
        for name in self.names:
            self.cluster.delete("Pod", "kube-system", name)
        until(lambda: not any(self.cluster.get("Pod", "kube-system", name) for name in self.names))


@pytest.fixture
def agents(world):
    """None is left to the next test, whatever comes of this one."""
    made = Agents(world)
    yield made
    made.end()
