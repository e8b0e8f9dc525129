"""What an API server makes of itself where it is missing: namespaces, the Service of its own, roles, priorities."""

from collections.abc import Iterator

from .kinds.served import BUILT_IN
from .objects.store import Store
from .objects.values import Object, new_uid, now

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_OF_ADMINS = {"roles", "rolebindings"}  # what only those may read and write who may give rights
_READ_ONLY = {
    "resourcequotas",
    "limitranges",
    "events",
    "endpoints",
    "endpointslices",
    "controllerrevisions",
    "poddisruptionbudgets",
}
_NOT_VIEWED = {"secrets", *_OF_ADMINS}
_INFO = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_INFO]
_REVIEWS = (("authentication.k8s.io", ["selfsubjectreviews"]), ("authorization.k8s.io", ["selfsubjectaccessreviews"]))
_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def bootstrap(store: Store) -> None:
    """Put what is missing into a store."""
    for key, body in (*_namespaces(), *_roles(), *_priorities(), _service()):
        metadata = body["metadata"]
        if store.get(key, metadata.get("namespace", ""), metadata["name"]) is None:
            store.put(key, {**body, "metadata": {**metadata, "uid": new_uid(), "creationTimestamp": now()}})


def _namespaces() -> Iterator[tuple[str, Object]]:
    for name in NAMESPACES:
        metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        rest = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        yield "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, **rest}


def _roles() -> Iterator[tuple[str, Object]]:
    """The roles for people, and what everybody may who has a token."""
    everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]}]
    own = [{"verbs": ["create"], "apiGroups": [group], "resources": names} for group, names in _REVIEWS]
    own[1]["resources"].append("selfsubjectrulesreviews")
    bound = {
        "cluster-admin": (everything, ["system:masters"]),
        "system:basic-user": (own, ["system:authenticated"]),
        "system:discovery": ([{"verbs": ["get"], "nonResourceURLs": _DISCOVERY}], ["system:authenticated"]),
        "system:public-info-viewer": (
            [{"verbs": ["get"], "nonResourceURLs": _INFO}],
            ["system:authenticated", "system:unauthenticated"],
        ),
    }
    people = {"admin": _namespaced(admin=True), "edit": _namespaced(admin=False), "view": _namespaced(None)}
    for name, rules in {**people, **{each: rules for each, (rules, _) in bound.items()}}.items():
        yield f"clusterroles.{_RBAC}", {**_of("ClusterRole", name), "rules": rules}
    for name, (_, groups) in bound.items():
        subjects = [{"kind": "Group", "apiGroup": _RBAC, "name": group} for group in groups]
        role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}
        yield (
            f"clusterrolebindings.{_RBAC}",
            {**_of("ClusterRoleBinding", name), "subjects": subjects, "roleRef": role},
        )


def _of(kind: str, name: str) -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": {"name": name, "labels": labels}}


def _namespaced(admin: bool | None) -> list[Object]:
    """The rules for what is in namespaces: for who may read (None), write too, or give rights besides."""
    found: list[Object] = []
    for group in dict.fromkeys(kind.group for kind in BUILT_IN if kind.namespaced):
        kinds = [kind for kind in BUILT_IN if kind.namespaced and kind.group == group]
        names = [kind.plural for kind in kinds]
        parts = [f"{kind.plural}/{each}" for kind in kinds for each in kind.subresources if each in ("status", "scale")]
        logs = ["pods/log"] if not group else []
        seen = [each for each in (*names, *parts, *logs) if admin is not None or each not in _NOT_VIEWED]
        seen = [each for each in seen if admin or each not in _OF_ADMINS]
        if seen:
            found.append({"verbs": _READ, "apiGroups": [group], "resources": list(dict.fromkeys(seen))})
        written = [each for each in names if each not in _READ_ONLY and (admin or each not in _OF_ADMINS)]
        more = ["pods/attach", "pods/exec", "pods/portforward", "pods/eviction"] if not group else []
        if written and admin is not None:
            found.append({"verbs": _WRITE, "apiGroups": [group], "resources": list(dict.fromkeys((*written, *more)))})
    return [*found, {"verbs": _READ, "apiGroups": [""], "resources": ["namespaces"]}]


def _priorities() -> Iterator[tuple[str, Object]]:
    for name, value in _PRIORITIES.items():
        body = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        yield "priorityclasses.scheduling.k8s.io", {**body, "value": value, "preemptionPolicy": "PreemptLowerPriority"}


def _service() -> tuple[str, Object]:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    metadata = {"name": "kubernetes", "namespace": "default", "labels": labels}
    spec = {
        "type": "ClusterIP",
        "clusterIP": "10.96.0.1",
        "clusterIPs": ["10.96.0.1"],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        "sessionAffinity": "None",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
    }
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}
    return "services", body
