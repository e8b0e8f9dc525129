"""The Pod Security Standards: what each level forbids in a pod, and where."""

import pytest

from sgportal.core.policy.pod_security import ENFORCE, LEVELS, level_of, violations

from .pod_security_cases import BASE, CASES, Case, changed


def pointers(level, pod, where=""):
    return {problem.pointer for problem in violations(level, pod, where)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_level_refuses_just_what_the_standard_does(case: Case):
    assert pointers("privileged", case.pod) == set()
    assert pointers("baseline", case.pod) == set(case.baseline)
    assert pointers("restricted", case.pod) == set(case.restricted)


def test_every_kind_of_container_is_looked_at():
    privileged = {"name": "x", "securityContext": {"privileged": True}}
    for name in ("containers", "initContainers", "ephemeralContainers"):
        pod = changed({f"spec.{name}": [BASE["spec"]["containers"][0], privileged]})
        assert pointers("baseline", pod) == {f"/spec/{name}/1/securityContext/privileged"}


def test_the_older_place_of_an_app_armor_profile():
    key = "container.apparmor.security.beta.kubernetes.io/main"
    for value, refused in (("unconfined", True), ("runtime/default", False), ("localhost/mine", False), ("", False)):
        pod = changed({"metadata.annotations": {key: value}})
        wanted = {"/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1main"} if refused else set()
        assert pointers("baseline", pod) == wanted


def test_a_place_begins_where_the_template_stands():
    pod = changed({"spec.hostNetwork": True})
    assert pointers("baseline", pod, "/spec/template/template") == {"/spec/template/template/spec/hostNetwork"}


def test_null_counts_as_absent():
    pod = {
        "metadata": None,
        "spec": {
            "hostNetwork": None,
            "securityContext": None,
            "initContainers": None,
            "volumes": [{"name": "a", "hostPath": None, "emptyDir": {}}],
            "containers": [
                {
                    "name": "a",
                    "securityContext": {"privileged": None, "capabilities": None, "seLinuxOptions": None},
                    "ports": None,
                    "lifecycle": None,
                    "livenessProbe": {"httpGet": None},
                }
            ],
        },
    }
    assert pointers("baseline", pod) == set()


@pytest.mark.parametrize(
    ("labels", "default", "level"),
    [
        ({}, "baseline", "baseline"),
        ({}, "privileged", "privileged"),
        ({ENFORCE: "privileged"}, "restricted", "privileged"),
        ({ENFORCE: "restricted"}, "privileged", "restricted"),
        ({ENFORCE: "strict"}, "privileged", "restricted"),
        ({ENFORCE: ""}, "privileged", "restricted"),
        ({"pod-security.kubernetes.io/warn": "restricted"}, "baseline", "baseline"),
    ],
)
def test_a_namespace_says_its_level_else_the_default_holds(labels, default, level):
    assert level_of(labels, default) == level
    assert level in LEVELS
