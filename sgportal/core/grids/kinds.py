"""SuperEdge's kinds, and the Kubernetes kind that the children of each have."""

from dataclasses import dataclass

from ..names import GROUP

API_VERSION = f"{GROUP}/v1"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class GridKind:
    """One of SuperEdge's kinds and the Kubernetes kind its children have."""

    kind: str
    plural: str
    short: str
    child_kind: str
    child_api: str
    child_plural: str
    template_type: str


KINDS = {
    each.kind: each
    for each in (
        GridKind("DeploymentGrid", "deploymentgrids", "dg", "Deployment", "apps/v1", "deployments", "DeploymentSpec"),
        GridKind(
            "StatefulSetGrid", "statefulsetgrids", "ssg", "StatefulSet", "apps/v1", "statefulsets", "StatefulSetSpec"
        ),
        GridKind("ServiceGrid", "servicegrids", "sg", "Service", "v1", "services", "ServiceSpec"),
    )
}
BY_PLURAL = {each.plural: each for each in KINDS.values()}
CHILD_KINDS = {each.child_plural: each.child_kind for each in KINDS.values()}
