"""Other vendors' data planes as the API server shows them: their definitions in small, and what they keep in them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sgportal.cluster import NotFound
from sgportal.cluster.kinds import CALICO, Resource

from ..world import World

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CILIUM = Resource("CiliumNode", "cilium.io/v2", "ciliumnodes", namespaced=False)
FELIX, INFORMATION = CALICO["crd.projectcalico.org"]
CONFIG = "/api/v1/namespaces/kube-system/configmaps"


def definition(resource: Resource) -> dict[str, Any]:
    """A definition that serves a kind, whatever stands in its objects."""
    group, version = resource.api_version.split("/")
    names = {"plural": resource.plural, "singular": resource.kind.lower(), "kind": resource.kind}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": _ANY}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "names": {**names, "listKind": resource.kind + "List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


class Planes:
    """What other data planes put into a cluster, by an administrator's hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._paths: list[str] = []

    def send(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        return self.world.cluster._transport.call(method, path, body=body, headers={"Content-Type": content})[1]

    def make(self, path: str, body: dict[str, Any]) -> None:
        """An object that is taken away at the end."""
        self._paths.append(f"{path}/{body['metadata']['name']}")
        self.send("POST", path, body)

    def serve(self, *resources: Resource) -> None:
        """Have kinds served."""
        for each in resources:
            self.make(_CRDS, definition(each))
        for each in resources:
            group = each.api_version.partition("/")[0]
            self.world.until(lambda group=group: group in self.world.cluster.groups())
            self.world.until(lambda each=each: self.world.cluster._discover(each))

    def cilium(self, **data: str) -> None:
        """Cilium, with its configuration."""
        self.serve(CILIUM)
        self.configure(**data)

    def configure(self, **data: str) -> None:
        """Cilium's configuration; `_` stands for `-`."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cilium-config"}}
        self.make(CONFIG, {**body, "data": {key.replace("_", "-"): value for key, value in data.items()}})

    def calico(self, version: str, **spec: Any) -> None:
        """Calico of a version, with its Felix configured so."""
        self.serve(FELIX, INFORMATION)
        for resource, fields in ((FELIX, spec), (INFORMATION, {"calicoVersion": version})):
            body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "default"}}
            # A kind's own storage is up a moment after discovery names it.
            self.world.until(lambda body=body, fields=fields, at=resource: self._made(at, {**body, "spec": fields}))

    def _made(self, resource: Resource, body: dict[str, Any]) -> bool:
        if self.world.cluster.get(resource, "", "default") is None:
            self.make(resource.path(), body)
        return True

    def change(self, resource: Resource, **spec: Any) -> None:
        """Change the object `default` of a kind."""
        self.send("PATCH", resource.path("", "default"), {"spec": spec}, "application/merge-patch+json")

    def clear(self) -> None:
        """Take everything away again."""
        while self._paths:
            with suppress(NotFound):
                self.send("DELETE", self._paths.pop())
        groups = {"cilium.io", *CALICO}
        self.world.until(lambda: not groups & self.world.cluster.groups())


@contextmanager
def planes(world: World) -> Iterator[Planes]:
    """Other data planes for a while."""
    made = Planes(world)
    try:
        yield made
    finally:
        made.clear()
