"""The user that the product is in a real cluster, with the roles of deploy/rbac.yaml and no more."""

from pathlib import Path

import yaml

from .control_plane import ControlPlane

PRODUCT = "product"
_DEPLOY = Path(__file__).parents[2] / "deploy"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_APPLY = "application/apply-patch+yaml"


def allow(plane: ControlPlane, *more: str) -> Path:
    """Give the product's user its roles, and those of more files of `deploy`; the path of its kubeconfig."""
    user = {"kind": "User", "name": PRODUCT, "apiGroup": "rbac.authorization.k8s.io"}
    texts = [(_DEPLOY / each).read_text() for each in ("rbac.yaml", *more)]
    for body in (each for text in texts for each in yaml.safe_load_all(text)):
        name = body["metadata"]["name"]
        if body["kind"] == "ClusterRoleBinding":
            name += "-tests"
            body |= {"metadata": {"name": name}, "subjects": [user]}
        path = {
            "Namespace": "/api/v1/namespaces",
            "ServiceAccount": "/api/v1/namespaces/sgportal/serviceaccounts",
            "ClusterRole": f"{_RBAC}/clusterroles",
            "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
            "ValidatingAdmissionPolicy": f"{_ADMISSION}/validatingadmissionpolicies",
            "ValidatingAdmissionPolicyBinding": f"{_ADMISSION}/validatingadmissionpolicybindings",
        }[body["kind"]]
        plane.request("PATCH", f"{path}/{name}?fieldManager=tests&force=true", body, content=_APPLY)
    return plane.kubeconfig(PRODUCT)
