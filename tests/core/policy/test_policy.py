"""What users of the portal may ask for: open namespaces, pods, fields of Services."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.policy.namespaces import read_namespaces
from sgportal.core.policy.pod_security import ENFORCE
from sgportal.core.policy.rules import Policy, policy_problems

OWN = "sgportal"


@pytest.mark.parametrize(
    ("globs", "opened", "closed"),
    [
        ("", "default shop kubernetes-dashboard my-kube-a", "kube-system kube-public kube-x sgportal"),
        ("*", "default shop", "kube-system sgportal"),
        ("shop edge-*", "shop edge-1 edge-", "default edge shop2 kube-system sgportal"),
        ("!legacy", "default", "legacy kube-system sgportal"),
        ("!edge-* edge-1", "", "edge-1 edge-2 default"),
        ("* !edge-*", "default", "edge-1 kube-system"),
        ("* kube-system", "default kube-system", "kube-public sgportal"),
        ("kube-*", "kube-system kube-public", "default"),
        ("kube-* !kube-system", "kube-public", "kube-system"),
        ("* sgportal", "sgportal default", "kube-system"),
        ("sg*", "sgx", "sgportal"),
        ("?-site site-??", "a-site site-01", "ab-site site-1 site-001"),
    ],
)
def test_globs_open_and_close_namespaces(globs, opened, closed):
    found = read_namespaces(globs.split(), OWN)
    assert [each for each in opened.split() if not found.is_open(each)] == []
    assert [each for each in closed.split() if found.is_open(each)] == []


@pytest.mark.parametrize("glob", ["", "!", "!!a", "a b", "A", "a/b", "[ab]", "-a", "a.b"])
def test_what_no_namespace_can_match_is_no_glob(glob):
    with pytest.raises(ValueError, match="is no namespace"):
        read_namespaces([glob], OWN)


def workload(namespace="default", pool=None, **pod):
    container = {"name": "a", "image": "a"}
    labels = {"app": "a"}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod | {}}}
    spec["template"]["spec"].setdefault("containers", [container])
    whole = {"gridUniqKey": "zone", "template": spec}
    if pool:
        whole["templatePool"] = pool
    return parse(
        {
            "apiVersion": "superedge.io/v1",
            "kind": "DeploymentGrid",
            "metadata": {"name": "a", "namespace": namespace},
            "spec": whole,
        }
    )


def service(**template):
    spec = {"selector": {"app": "a"}, "ports": [{"port": 80}], **template}
    return parse(
        {
            "apiVersion": "superedge.io/v1",
            "kind": "ServiceGrid",
            "metadata": {"name": "a"},
            "spec": {"gridUniqKey": "zone", "template": spec},
        }
    )


def found(spec, policy=None, **labels):
    return {each.pointer: str(each.sentence) for each in policy_problems(spec, policy or Policy(), labels)}


def test_a_plain_grid_is_fine():
    assert found(workload()) == {}
    assert found(service()) == {}


def test_a_closed_namespace_is_named_and_no_more_is_said():
    policy = Policy(read_namespaces([], OWN))
    assert found(workload("kube-system", hostNetwork=True), policy) == {
        "/metadata/namespace": "namespace “kube-system” is closed to the portal (SGPORTAL_NAMESPACES)"
    }


def test_the_level_is_that_of_the_namespace():
    grid = workload(hostNetwork=True)
    place = "/spec/template/template/spec/hostNetwork"
    assert found(grid) == {
        place: "must be false or unset: namespace “default” keeps the Pod Security Standard “baseline”"
    }
    assert found(grid, Policy(pod_security="privileged")) == {}
    assert found(grid, **{ENFORCE: "privileged"}) == {}
    assert (
        place in found(workload(), **{ENFORCE: "restricted"}) or len(found(workload(), **{ENFORCE: "restricted"})) > 3
    )


def test_every_template_of_the_pool_is_looked_at():
    labels = {"app": "a"}
    pod = {"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": True}}]}
    entry = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    problems = found(workload(pool={"a/b": entry}))
    assert list(problems) == ["/spec/templatePool/a~1b/template/spec/containers/0/securityContext/privileged"]


def test_a_service_takes_no_traffic_that_is_not_meant_for_it():
    assert list(found(service(externalIPs=["10.0.0.1"]))) == ["/spec/template/externalIPs"]
    assert found(service(externalIPs=["10.0.0.1"]), Policy(external_ips=True)) == {}
    assert found(service(externalIPs=[])) == {}


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "a.localhost"])
def test_a_name_does_not_lead_back_to_whoever_follows_it(name):
    assert list(found(service(type="ExternalName", externalName=name))) == ["/spec/template/externalName"]


def test_other_names_are_fine():
    assert found(service(type="ExternalName", externalName="db.example.net")) == {}
