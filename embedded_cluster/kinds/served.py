"""The kinds the embedded cluster serves."""

from dataclasses import dataclass, field
from typing import Any

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


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
    deprecated: str = ""  # since when, and what to use
    crd: dict[str, Any] | None = field(default=None, compare=False, hash=False)
    measured: bool = False  # made up for whoever asks, and not stored

    @property
    def verbs(self) -> list[str]:
        """What may be done with its objects."""
        return ["get", "list"] if self.measured else list(_VERBS)

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
_SLICES = "v1.33+; use discovery.k8s.io/v1 EndpointSlice"
_POD = ("log", "eviction", "binding", "ephemeralcontainers", "exec", "attach", "portforward")
BUILT_IN = (
    Kind("", "v1", "Namespace", "namespaces", False, ("ns",), _S),
    Kind("", "v1", "Node", "nodes", False, ("no",), _S),
    Kind("", "v1", "Pod", "pods", True, ("po",), (*_S, *_POD)),
    Kind("", "v1", "Service", "services", True, ("svc",), _S),
    Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",)),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",), ("token",)),
    Kind("", "v1", "Event", "events", True, ("ev",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), _S),
    Kind("", "v1", "LimitRange", "limitranges", True, ("limits",)),
    Kind("", "v1", "Endpoints", "endpoints", True, ("ep",), deprecated=_SLICES),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", False, ("pv",), _S),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, ("pvc",), _S),
    Kind("", "v1", "ReplicationController", "replicationcontrollers", True, ("rc",), _SC),
    Kind("apps", "v1", "Deployment", "deployments", True, ("deploy",), _SC),
    Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _SC),
    Kind("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _SC),
    Kind("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), _S),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind("batch", "v1", "Job", "jobs", True, (), _S),
    Kind("batch", "v1", "CronJob", "cronjobs", True, ("cj",), _S),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", True, ("ing",), _S),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", False),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", True, ("netpol",)),
    Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ("hpa",), _S),
    Kind("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ("hpa",), _S),
    Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", False, ("pc",)),
    Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", False, ("sc",)),
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


# What metrics-server serves, by an APIService of its own; only where it is asked for.
METRICS = (
    Kind("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", False, measured=True),
    Kind("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", measured=True),
)
SCALE = Kind("autoscaling", "v1", "Scale", "scales")  # what a subresource speaks; nothing is kept of it


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
        "token": Subresource("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
        "exec": Subresource(kind.group, kind.version, "PodExecOptions", ("create", "get")),
        "attach": Subresource(kind.group, kind.version, "PodAttachOptions", ("create", "get")),
        "portforward": Subresource(kind.group, kind.version, "PodPortForwardOptions", ("create", "get")),
    }
    return foreign.get(name) or Subresource(kind.group, kind.version, kind.kind, ("get", "patch", "update"))


class Kinds:
    """The table of served kinds, which custom resource definitions extend."""

    def __init__(self, metrics: bool = False) -> None:
        self._built_in = (*BUILT_IN, *(METRICS if metrics else ()))
        self._custom: dict[str, Kind] = {}
        self._all: dict[tuple[str, str, str], Kind] = {}
        self._rebuild()

    def _rebuild(self) -> None:
        self._all = {
            (kind.group, kind.version, kind.plural): kind for kind in (*self._built_in, *self._custom.values())
        }

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
            crd=crd,
        )
        self._rebuild()

    def forget(self, name: str) -> None:
        """Serve a definition's kind no longer."""
        self._custom.pop(name, None)
        self._rebuild()
