"""The kinds we reach, and where the API server keeps them."""

from dataclasses import dataclass
from urllib.parse import quote

from ..core.grids.group import GROUP_VERSION, PLURAL


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind's place: its group and version ("v1" for the core group), its plural, whether it lives in namespaces."""

    kind: str
    api_version: str
    plural: str
    namespaced: bool = True

    @property
    def base(self) -> str:
        """The path of its group and version."""
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of an object, or of a collection where `name` is "" (all namespaces where `namespace` is "")."""
        parts = [self.base]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


_ADMISSION = "admissionregistration.k8s.io/v1"
RESOURCES = {
    each.kind: each
    for each in (
        Resource("Node", "v1", "nodes", namespaced=False),
        Resource("Namespace", "v1", "namespaces", namespaced=False),
        Resource("Pod", "v1", "pods"),
        Resource("Service", "v1", "services"),
        Resource("Event", "v1", "events"),
        Resource("ConfigMap", "v1", "configmaps"),
        Resource("Endpoints", "v1", "endpoints"),
        Resource("Lease", "coordination.k8s.io/v1", "leases"),
        Resource("Deployment", "apps/v1", "deployments"),
        Resource("ReplicaSet", "apps/v1", "replicasets"),
        Resource("StatefulSet", "apps/v1", "statefulsets"),
        Resource("EndpointSlice", "discovery.k8s.io/v1", "endpointslices"),
        Resource("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
        Resource("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False),
        Resource("MutatingWebhookConfiguration", _ADMISSION, "mutatingwebhookconfigurations", namespaced=False),
        Resource("MutatingAdmissionPolicy", _ADMISSION, "mutatingadmissionpolicies", namespaced=False),
        Resource("DeploymentGrid", "superedge.io/v1", "deploymentgrids"),
        Resource("StatefulSetGrid", "superedge.io/v1", "statefulsetgrids"),
        Resource("ServiceGrid", "superedge.io/v1", "servicegrids"),
        Resource("ServiceGroup", GROUP_VERSION, PLURAL),
    )
}
# Of another vendor: read by name, and only where a group of its is served; where both are, the first one holds.
CALICO = {
    group: (
        Resource("FelixConfiguration", f"{group}/{version}", "felixconfigurations", namespaced=False),
        Resource("ClusterInformation", f"{group}/{version}", "clusterinformations", namespaced=False),
    )
    for group, version in (("projectcalico.org", "v3"), ("crd.projectcalico.org", "v1"))
}
