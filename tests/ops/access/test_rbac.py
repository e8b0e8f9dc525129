"""Least privilege: the roles in deploy/ are the list the tests hold, and on a real API server they are enough and no
more."""

import re
import subprocess

import pytest
import yaml

from sgportal.cluster import Refused, install_crds, upgrade_crds
from sgportal.core.superedge.controller import CONTROLLER
from sgportal.models import Grid
from sgportal.reconciler.discovery import superedge
from tests.reconciler.world import World, a_grid, a_template, seed

from .rbac import ALLOWED, ALLOWED_BY_NAME, MANIFEST, VERBS, granted, refused

ACCOUNT = "system:serviceaccount:sgportal:sgportal"
PODS = "/api/v1/namespaces/default/pods"


def documents():
    return list(yaml.safe_load_all(MANIFEST.read_text()))


def test_the_roles_are_the_list_and_nothing_else():
    wanted = {key: {(): set(verbs.split())} for key, verbs in ALLOWED.items()}
    for key, (verbs, names) in ALLOWED_BY_NAME.items():
        wanted.setdefault(key, {})[names] = set(verbs.split())
    assert granted(documents()) == wanted


def test_there_is_no_wildcard_and_every_rule_says_why():
    text = MANIFEST.read_text()
    assert "*" not in re.sub(r"#.*", "", text)
    lines = text.splitlines()
    rules = [index for index, line in enumerate(lines) if line.strip().startswith("- apiGroups:")]
    assert len(rules) == sum(len(document.get("rules") or ()) for document in documents())
    unexplained = [lines[index] for index in rules if not _explained(lines, index)]
    assert unexplained == []


def _explained(lines, index):
    """A comment stands above the rule, or above the one right before it that is about the same thing."""
    above = lines[index - 1].strip()
    return above.startswith("#") or (above.startswith("verbs:") and "resourceNames" in lines[index + 2])


def test_every_role_is_bound_to_the_one_service_account():
    roles = {each["metadata"]["name"] for each in documents() if each["kind"] == "ClusterRole"}
    bindings = [each for each in documents() if each["kind"] == "ClusterRoleBinding"]
    assert {each["roleRef"]["name"] for each in bindings} == roles
    accounts = [subject for each in bindings for subject in each["subjects"]]
    assert {(each["kind"], each["namespace"], each["name"]) for each in accounts} == {
        ("ServiceAccount", "sgportal", "sgportal")
    }


def may(cluster, group, resource, verb, name=""):
    """Whether we may do this to any object of a kind, or to the named one."""
    main, _, sub = resource.partition("/")
    asked = {"group": group, "resource": main, "subresource": sub, "verb": verb, "name": name}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    review = {**body, "spec": {"resourceAttributes": {**asked, "namespace": "default"}}}
    path, json = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"Content-Type": "application/json"}
    return cluster._transport.call("POST", path, body=review, headers=json)[1]["status"]["allowed"]


def known(cluster):
    """Every (group, resource) that the API server knows."""
    call = cluster._transport.call
    groups = call("GET", "/apis")[1]["groups"]
    places = [
        ("", "/api/v1"),
        *((each["name"], f"/apis/{each['preferredVersion']['groupVersion']}") for each in groups),
    ]
    return {(group, each["name"]) for group, path in places for each in call("GET", path)[1]["resources"]}


@pytest.mark.kubernetes
def test_everything_else_is_refused(portal):
    there = known(portal)
    assert {("", "secrets"), ("rbac.authorization.k8s.io", "clusterroles"), ("apps", "daemonsets")} <= there
    asked = list(refused(there))
    assert len(asked) > 300
    assert {("", "nodes", "delete"), ("", "secrets", "get"), ("apps", "deployments", "deletecollection")} <= set(asked)
    assert [each for each in asked if may(portal, *each)] == []


@pytest.mark.kubernetes
def test_what_is_listed_is_allowed_and_by_name_only_where_names_are_listed(portal):
    for (group, resource), verbs in ALLOWED.items():
        for verb in verbs.split():
            assert may(portal, group, resource, verb), (group, resource, verb)
    for (group, resource), (verbs, names) in ALLOWED_BY_NAME.items():
        of_any = ALLOWED.get((group, resource), "").split()
        for verb in VERBS:
            for name in names:
                allowed = verb in [*verbs.split(), *of_any]
                assert may(portal, group, resource, verb, name) == allowed, (resource, verb, name)
            assert may(portal, group, resource, verb, "another") == (verb in of_any), (resource, verb)


@pytest.mark.kubernetes
@pytest.mark.timeout(240)
def test_the_product_gets_by_with_it(portal, control_plane, monkeypatch, caplog):
    """The walk-through, a StatefulSetGrid, a repair, deletion, SuperEdge's marks and definitions: no write is
    forbidden."""
    install_crds(portal)
    world = World(control_plane, portal)
    world.look()
    for number, unit in enumerate(("nodeunit1", "nodeunit2", "nodeunit2")):
        world.label(f"node{number}", zone1=unit)
    stateful = a_grid("state", "zone1", template={**a_template(app="state"), "serviceName": "x"})
    world.save(seed("deploymentgrid"), seed("servicegrid"), {**stateful, "kind": "StatefulSetGrid"})
    world.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 5}})
    world.resync()
    grid = Grid.objects.get(kind="DeploymentGrid")
    assert world.get(grid.name, "DeploymentGrid")["status"]["totalUnits"] == 2
    about = f"fieldSelector=involvedObject.uid={grid.cluster_uid}"
    assert control_plane.request("GET", f"/api/v1/namespaces/default/events?{about}")["items"]
    _claim(world, portal, control_plane)
    assert superedge.look(portal).locks == ()
    assert upgrade_crds(portal)["DeploymentGrid"] == []
    _forget_everything(world)
    assert not any("forbidden" in record.message.lower() for record in caplog.records)


def _claim(world, portal, control_plane):
    """Mark a child as SuperEdge's own controller would, and let a reconcile take its fields over."""
    name = "deploymentgrid-demo-nodeunit2"
    path = f"/apis/apps/v1/namespaces/default/deployments/{name}?fieldManager={CONTROLLER}"
    control_plane.request("PATCH", path, {"spec": {"replicas": 9}}, content="application/merge-patch+json")
    world.resync()
    assert CONTROLLER not in {each["manager"] for each in world.get(name)["metadata"]["managedFields"]}


def _forget_everything(world):
    from sgportal.actions import delete_grid
    from tests.reconciler.world import ADA

    for grid in Grid.objects.all():
        delete_grid(grid, ADA)
    world.until(lambda: (world.later(2), not Grid.objects.exists())[1])
    for node in ("node0", "node1", "node2"):
        world.label(node, zone1=None)


@pytest.mark.kubernetes
def test_the_portals_account_makes_no_pod_but_may_ask_by_a_dry_run(bound, control_plane):
    """RBAC knows no dry runs; the policy in the manifest does."""
    account = f"--as={ACCOUNT}"
    command = ["kubectl", f"--kubeconfig={control_plane.kubeconfig('admin')}", account, "run", "alone", "--image=img:1"]

    def run(*more):
        return subprocess.run([*command, *more], capture_output=True, text=True, timeout=100, check=False)

    def refused():
        """A policy takes a moment to be known; until then a pod is made."""
        said = run().stderr
        control_plane.request("DELETE", PODS) if not said else None
        return said

    assert "the portal makes no pods" in control_plane.wait(refused, 75, "the policy is known")
    assert run("--dry-run=server").returncode == 0
    assert "alone" not in {each["metadata"]["name"] for each in control_plane.request("GET", PODS)["items"]}


@pytest.mark.kubernetes
def test_definitions_can_be_left_to_somebody_else(portal, kubectl):
    """Without the second role the portal still runs; it says that it may not install."""
    kubectl("admin", "delete", "clusterrolebinding", "sgportal-definitions-test")
    with pytest.raises(Refused):
        install_crds(portal)
    assert superedge.look(portal).version
