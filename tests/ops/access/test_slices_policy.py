"""The optional policy in deploy/ on a real API server: nobody but the portal and Kubernetes' own controllers writes
what counts to a closed Service, not even an administrator."""

import urllib.error

import pytest
import yaml

from tests.house.tree import ROOT
from tests.kube.product import allow

pytestmark = pytest.mark.kubernetes
POLICY = ROOT / "deploy" / "slices-policy.yaml"
# Who the portal and the controllers are in this cluster.
USERS = {"system:serviceaccount:sgportal:sgportal": "product", "system:kube-controller-manager": "manager"}
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
SLICES, ENDPOINTS, SERVICES = (
    "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "/api/v1/namespaces/{}/endpoints",
    "/api/v1/namespaces/{}/services",
)
MERGE = "application/merge-patch+json"


def a_slice(name, service):
    labels = {"kubernetes.io/service-name": service} if service else {}
    return {"metadata": {"name": name, "labels": labels}, "addressType": "IPv4", "endpoints": [], "ports": []}


@pytest.fixture
def ask(control_plane):
    """Whether a user may do something, by a dry run unless it is meant."""

    def asked(user, method, path, body, meant=False):
        query = "" if meant else "?dryRun=All"
        try:
            control_plane.request(method, path + query, body, user=user, content=MERGE if method == "PATCH" else "")
        except urllib.error.HTTPError as error:
            if error.code != 422 or "may open its closed loop" not in error.read().decode():
                raise
            return False
        return True

    return asked


@pytest.fixture
def policy(control_plane, ask):
    allow(control_plane)
    text = POLICY.read_text()
    for theirs, ours in USERS.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    made = []
    for body in yaml.safe_load_all(text):
        plural = {"ValidatingAdmissionPolicy": "policies", "ValidatingAdmissionPolicyBinding": "policybindings"}
        path = f"{ADMISSION}/validatingadmission{plural[body['kind']]}"
        control_plane.request("POST", path, body)
        made.append(f"{path}/{body['metadata']['name']}")
    yield control_plane
    for path in made:
        control_plane.request("DELETE", path)


def test_only_the_portal_writes_what_counts_to_its_services(policy, ask):
    slices, endpoints = SLICES.format("default"), ENDPOINTS.format("default")
    policy.wait(lambda: not ask("admin", "POST", slices, a_slice("guest", "web-svc")), 60, "the policy is in force")
    assert ask("product", "POST", slices, a_slice("web-svc-v4units1", "web-svc"), meant=True)
    assert ask("admin", "POST", slices, a_slice("other", "web"), meant=True)
    assert ask("admin", "POST", slices, a_slice("without", ""))
    to_ours = {"metadata": {"labels": {"kubernetes.io/service-name": "web-svc"}}}
    assert not ask("admin", "PATCH", f"{slices}/other", to_ours)
    away = {"metadata": {"labels": {"kubernetes.io/service-name": "web"}}}
    assert not ask("admin", "PATCH", f"{slices}/web-svc-v4units1", away)
    assert not ask("admin", "PATCH", f"{slices}/web-svc-v4units1", {"endpoints": [{"addresses": ["10.1.1.1"]}]})
    live = policy.request("GET", f"{slices}/web-svc-v4units1")
    assert ask("product", "PUT", f"{slices}/web-svc-v4units1", {**live, "endpoints": [{"addresses": ["10.1.1.1"]}]})
    assert not ask("admin", "POST", endpoints, {"metadata": {"name": "web-svc"}})
    assert ask("admin", "POST", endpoints, {"metadata": {"name": "web"}})
    refusing = a_slice("guest", "sgportal-refuse-2")
    assert ask("admin", "POST", slices, refusing)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sgportal"}}
    path = "/api/v1/namespaces/sgportal?fieldManager=tests"
    policy.request("PATCH", path, namespace, content="application/apply-patch+yaml")
    assert not ask("admin", "POST", SLICES.format("sgportal"), refusing)


def test_kubernetes_own_controllers_go_on(policy, ask):
    """A Service with a selector whose name ends like one of ours gets its slice; hand-made Endpoints are copied."""
    slices = SLICES.format("default")
    policy.wait(lambda: not ask("admin", "POST", slices, a_slice("guest", "x-svc")), 60, "the policy is in force")
    spec = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    policy.request("POST", SERVICES.format("default"), {"metadata": {"name": "plain-svc"}, "spec": spec})

    def made():
        found = policy.request("GET", f"{slices}?labelSelector=kubernetes.io/service-name=plain-svc")["items"]
        return [each["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] for each in found]

    assert policy.wait(made, 60, "its slice is there") == ["endpointslice-controller.k8s.io"]
