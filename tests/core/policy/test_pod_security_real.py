"""A real API server: its own admission plugin PodSecurity refuses just the pods that we refuse."""

import json
import urllib.error

import pytest

from .pod_security_cases import CASES

pytestmark = pytest.mark.kubernetes
LEVELS = ("baseline", "restricted")
NO_PODS = {"unmasked /proc"}  # only a pod with a user namespace may ask for it at all


@pytest.fixture(scope="module")
def plane(control_plane):
    for level in LEVELS:
        labels = {"pod-security.kubernetes.io/enforce": level}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"pods-{level}", "labels": labels}}
        control_plane.request("POST", "/api/v1/namespaces", namespace)
        account = f"/api/v1/namespaces/pods-{level}/serviceaccounts/default"
        control_plane.wait(lambda account=account: control_plane.get(account), 30, "the service account is there")
    yield control_plane
    for level in LEVELS:
        control_plane.request("DELETE", f"/api/v1/namespaces/pods-{level}")


def is_refused(plane, level, pod):
    """Whether PodSecurity refuses a pod; None where the API server refuses it before as no pod at all."""
    body = {"apiVersion": "v1", "kind": "Pod", **pod}
    try:
        plane.request("POST", f"/api/v1/namespaces/pods-{level}/pods?dryRun=All", body)
    except urllib.error.HTTPError as error:
        said = json.loads(error.read())["message"]
        if error.code == 403 and f'violates PodSecurity "{level}' in said:
            return True
        if error.code == 422:
            return None
        raise
    return False


@pytest.mark.parametrize("level", LEVELS)
def test_the_admission_plugin_refuses_what_we_refuse(plane, level):
    found = {case.name: is_refused(plane, level, case.pod) for case in CASES}
    assert {name for name, refused in found.items() if refused is None} == NO_PODS
    wanted = {case.name: bool(getattr(case, level)) for case in CASES}
    assert {name: refused for name, refused in found.items() if refused is not None} == {
        name: refused for name, refused in wanted.items() if name not in NO_PODS
    }
