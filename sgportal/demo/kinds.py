"""The kinds the embedded cluster serves."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A served kind. `crd` is the definition of a custom resource (None for a built-in kind)."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    crd: dict[str, Any] | None = field(default=None, compare=False, hash=False)

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> str:
        """What the store files its objects under."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        """The lower-case singular kubectl takes."""
        return self.crd["spec"]["names"].get("singular", self.kind.lower()) if self.crd else self.kind.lower()

    @property
    def has_status(self) -> bool:
        """Whether status is written through its own subresource only."""
        return "status" in self.subresources


_S, _SC = ("status",), ("status", "scale")
BUILT_IN = (
    Kind("", "v1", "Namespace", "namespaces", False, ("ns",), _S),
    Kind("", "v1", "Node", "nodes", False, ("no",), _S),
    Kind("", "v1", "Pod", "pods", True, ("po",), (*_S, "log", "eviction", "binding")),
    Kind("", "v1", "Service", "services", True, ("svc",), _S),
    Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",)),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",)),
    Kind("", "v1", "Event", "events", True, ("ev",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), _S),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, ("pvc",), _S),
    Kind("apps", "v1", "Deployment", "deployments", True, ("deploy",), _SC),
    Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _SC),
    Kind("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _SC),
    Kind("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), _S),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, ("pdb",), _S),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        False,
        ("crd", "crds"),
        _S,
    ),
)


@dataclass(frozen=True, slots=True)
class Subresource:
    """The kind that a subresource speaks, and what can be done with it."""

    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


def subresource(kind: Kind, name: str) -> Subresource:
    """What a kind's subresource speaks."""
    foreign = {
        "scale": Subresource("autoscaling", "v1", "Scale", ("get", "patch", "update")),
        "eviction": Subresource("policy", "v1", "Eviction", ("create",)),
        "log": Subresource(kind.group, kind.version, kind.kind, ("get",)),
        "binding": Subresource(kind.group, kind.version, "Binding", ("create",)),
    }
    return foreign.get(name) or Subresource(kind.group, kind.version, kind.kind, ("get", "patch", "update"))


class Kinds:
    """The table of served kinds, which custom resource definitions extend."""

    def __init__(self) -> None:
        self._custom: dict[str, Kind] = {}
        self._all: dict[tuple[str, str, str], Kind] = {}
        self._rebuild()

    def _rebuild(self) -> None:
        self._all = {(kind.group, kind.version, kind.plural): kind for kind in (*BUILT_IN, *self._custom.values())}

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at an address, or None."""
        return self._all.get((group, version, plural))

    def by_key(self, key: str) -> Kind | None:
        """The kind the store files under `key`, or None."""
        return next((kind for kind in self._all.values() if kind.key == key), None)

    def every(self) -> list[Kind]:
        """Every served kind."""
        return list(self._all.values())

    def owner(self, api_version: str, kind: str) -> Kind | None:
        """The kind that an ownerReference means, or None where it is not served."""
        group = api_version.rpartition("/")[0]
        return next((each for each in self._all.values() if each.group == group and each.kind == kind), None)

    def define(self, crd: dict[str, Any]) -> None:
        """Serve what a CustomResourceDefinition says."""
        spec = crd["spec"]
        names = spec["names"]
        version = next(each for each in spec["versions"] if each.get("served"))
        subresources = version.get("subresources") or {}
        self._custom[crd["metadata"]["name"]] = Kind(
            spec["group"],
            version["name"],
            names["kind"],
            names["plural"],
            spec.get("scope") == "Namespaced",
            tuple(names.get("shortNames") or ()),
            tuple(name for name in ("status", "scale") if name in subresources),
            crd,
        )
        self._rebuild()

    def forget(self, name: str) -> None:
        """Serve a definition's kind no longer."""
        self._custom.pop(name, None)
        self._rebuild()
