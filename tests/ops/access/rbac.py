"""What the portal may do in a cluster, as data: the same list as deploy/rbac.yaml, and everything that it is not."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from sgportal.core.traffic.readers import READER_KINDS

MANIFEST = Path("deploy/rbac.yaml")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
LOCK = "application-grid-controller"
DEFINITIONS = (
    "deploymentgrids.superedge.io",
    "statefulsetgrids.superedge.io",
    "servicegrids.superedge.io",
    "servicegroups.sgportal.superedge.io",
)
_CHILDREN = "get list watch create patch delete"
_GRIDS = ("deploymentgrids", "statefulsetgrids", "servicegrids")

# (group, resource[/subresource]) → the verbs on any object, in any namespace.
ALLOWED: dict[tuple[str, str], str] = {
    ("", "nodes"): "list watch patch",
    ("", "namespaces"): "list watch",
    ("", "pods"): "list watch create",  # create: dry runs only, which a policy sees to
    ("", "pods/eviction"): "create",
    ("policy", "poddisruptionbudgets"): "list",
    ("", "services"): _CHILDREN,
    ("", "services/finalizers"): "update",
    ("", "endpoints"): "get delete",
    ("", "events"): "get list create patch",
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): "list",
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): "list",
    **{(each.group, each.plural): "list" for each in READER_KINDS},
    ("apps", "deployments"): _CHILDREN,
    ("apps", "statefulsets"): _CHILDREN,
    ("apps", "replicasets"): "list",
    ("discovery.k8s.io", "endpointslices"): "list watch create update delete",
    **{("superedge.io", grid): _CHILDREN for grid in _GRIDS},
    ("sgportal.superedge.io", "servicegroups"): _CHILDREN,
    ("sgportal.superedge.io", "servicegroups/status"): "patch",
    **{("superedge.io", f"{grid}/status"): "patch" for grid in _GRIDS},
    **{("superedge.io", f"{grid}/finalizers"): "update" for grid in _GRIDS},
}
# The same where only objects of these names are meant.
ALLOWED_BY_NAME: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("", "configmaps"): ("get", (LOCK, "cilium-config")),
    ("", "namespaces"): ("get", ("kube-system",)),
    ("coordination.k8s.io", "leases"): ("get", (LOCK,)),
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("get create patch", DEFINITIONS),
    **{
        (group, resource): ("get", ("default",))
        for group in ("crd.projectcalico.org", "projectcalico.org")
        for resource in ("felixconfigurations", "clusterinformations")
    },
}
# Subresources by which one could act as somebody else or within a pod; discovery does not name all of them.
DANGEROUS = (
    ("", "pods/exec"),
    ("", "pods/attach"),
    ("", "pods/portforward"),
    ("", "pods/proxy"),
    ("", "pods/log"),
    ("", "nodes/proxy"),
    ("", "nodes/status"),
    ("", "services/proxy"),
    ("", "serviceaccounts/token"),
    ("apps", "deployments/scale"),
    ("apps", "deployments/status"),
)
# Every logged-in user may ask about themselves; Kubernetes grants it.
ABOUT_ONESELF = ("selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews")


def refused(known: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Every (group, resource, verb) that the portal has no business with, out of the resources an API server knows."""
    for group, resource in sorted({*known, *ALLOWED, *ALLOWED_BY_NAME, *DANGEROUS}):
        if resource not in ABOUT_ONESELF:
            allowed = ALLOWED.get((group, resource), "").split()
            yield from ((group, resource, verb) for verb in VERBS if verb not in allowed)


def granted(documents: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[tuple[str, ...], set[str]]]:
    """(group, resource) → names (none: any object) → verbs, over all rules of the ClusterRoles in a manifest. Rules
    that name objects of one resource count as one."""
    found: dict[tuple[str, str], dict[tuple[str, ...], set[str]]] = {}
    for document in documents:
        for rule in document.get("rules") or ():
            for key in ((group, resource) for group in rule["apiGroups"] for resource in rule["resources"]):
                rules = found.setdefault(key, {})
                new = tuple(rule.get("resourceNames") or ())
                before = next((names for names in rules if names), ()) if new else ()
                verbs = {*rules.get(before, ()), *rule["verbs"]} if bool(before) == bool(new) else {*rule["verbs"]}
                if before:
                    del rules[before]
                rules[tuple(dict.fromkeys((*before, *new)))] = verbs
    return found


def bindings_for(user: str, *roles: str) -> list[dict[str, Any]]:
    """The manifest's bindings of these roles (of all, where none is named), for a user instead of the ServiceAccount,
    under names of their own."""
    subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    bindings = [each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == "ClusterRoleBinding"]
    return [
        {**each, "metadata": {"name": each["metadata"]["name"] + "-test"}, "subjects": [subject]}
        for each in bindings
        if not roles or each["roleRef"]["name"] in roles
    ]
