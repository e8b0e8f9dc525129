"""Measuring with the roles of the portal's account, on the embedded and on a real control plane. Neither has
metrics-server there; the same objects are served by definitions of the test's own under the same addresses."""

from pathlib import Path

import pytest
import yaml

from sgportal.cluster import ClusterError
from sgportal.cluster.kinds import Resource
from sgportal.models import NodeUsage, UnitUsage, UsageSource
from sgportal.reconciler.process import connection
from sgportal.reconciler.usage import measuring
from tests.kube.product import PRODUCT

ROLES = Path(__file__).parents[3] / "deploy" / "usage.yaml"
SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


def definition(resource: Resource):
    names = {"plural": resource.plural, "kind": resource.kind, "listKind": f"{resource.kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{resource.plural}.{measuring.GROUP}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": measuring.GROUP,
            "names": {**names, "singular": resource.kind.lower()},
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [{"name": "v1beta1", "served": True, "storage": True, "schema": SCHEMA}],
        },
    }


@pytest.fixture
def metrics(world):
    """The group metrics.k8s.io, with what node0 uses."""
    kinds = [measuring.NODES, measuring.PODS]
    for each in kinds:
        world.cluster.create(definition(each))
    for each in kinds:
        world.until(lambda each=each: world.cluster._discover(each))
    body = {"kind": "NodeMetrics", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {"name": "node0"}}
    body["usage"] = {"cpu": "250m", "memory": "512Mi"}
    path = measuring.NODES.path()
    headers = {"Content-Type": "application/json"}
    world.until(lambda: _made(world, path, body, headers))
    yield world
    for each in kinds:
        world.cluster.delete("CustomResourceDefinition", "", f"{each.plural}.{measuring.GROUP}")
        world.until(lambda each=each: not world.cluster._discover(each))


def _made(world, path, body, headers):
    """Right after it is established, a definition's storage may not be ready for writes."""
    try:
        world.cluster._transport.call("POST", path, body=body, headers=headers)
    except ClusterError:
        return False
    return True


@pytest.fixture
def roles(world, cluster_kind):
    """What deploy/usage.yaml gives, to the product's user; on the embedded cluster that one may do everything."""
    if cluster_kind == "embedded":
        yield
        return
    rbac, user = "/apis/rbac.authorization.k8s.io/v1", {"kind": "User", "name": PRODUCT}
    made = []
    for body in yaml.safe_load_all(ROLES.read_text()):
        if body["kind"] == "ClusterRoleBinding":
            body["subjects"] = [{**user, "apiGroup": "rbac.authorization.k8s.io"}]
        made.append(f"{rbac}/{body['kind'].lower()}s/{body['metadata']['name']}")
        headers = {"Content-Type": "application/apply-patch+yaml"}
        world.cluster._transport.call(
            "PATCH", made[-1], query={"fieldManager": "tests", "force": "true"}, body=body, headers=headers
        )
    yield
    for path in made:
        world.cluster._transport.call("DELETE", path)


@pytest.mark.real_only
def test_without_the_role_it_is_said(metrics, settings):
    settings.SGPORTAL_METRICS_SERVER = True
    measuring.look(connection.reading)
    assert UsageSource.now().sentence == measuring.NOT_ALLOWED
    assert not NodeUsage.objects.exists()


def test_with_the_role_it_is_measured(metrics, roles, settings):
    settings.SGPORTAL_METRICS_SERVER = True
    metrics.label("node0", zone="a")
    metrics.until(lambda: measuring.look(connection.reading) and not UsageSource.now().problem)
    row = UnitUsage.objects.get(key="zone")
    assert (row.unit, row.cpu, row.memory) == ("a", 250, 512)


def test_where_nobody_serves_it_that_is_said(world, roles, settings):
    settings.SGPORTAL_METRICS_SERVER = True
    measuring.look(connection.reading)
    assert UsageSource.now().sentence == measuring.NOT_SERVED
