"""What no role may ask for over REST: closed namespaces, pods beyond a namespace's level, addresses of others."""

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sgportal.core.policy.namespaces import read_namespaces
from sgportal.core.policy.pod_security import ENFORCE
from sgportal.models import AuditEvent, Grid, Namespace, ServiceGroup, WorkKey

from . import builders
from .conftest import pointers

pytestmark = pytest.mark.django_db
CLOSED = ("kube-system", "kube-public", "sgportal")
POD = "/spec/template/template/spec"


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


@pytest.fixture(params=["olga", "ada"])
def api(as_, request):
    """An operator, and an admin: nobody's role opens what is closed."""
    return as_(request.param)


def nothing_stored():
    assert not AuditEvent.objects.exists()
    assert not WorkKey.objects.exists()
    assert not ServiceGroup.objects.exists()


def with_pod(name="echo", namespace="default", **pod):
    manifest = builders.manifest(name, namespace=namespace)
    manifest["spec"]["template"]["template"]["spec"].update(pod)
    return manifest


def group(namespace, *members):
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"gridUniqKey": "zone1", "grids": list(members)},
    }


@pytest.mark.parametrize("namespace", CLOSED)
@pytest.mark.parametrize("dry_run", ["", "?dryRun=All"])
def test_nothing_is_made_in_a_closed_namespace(api, namespace, dry_run):
    for kind in ("DeploymentGrid", "StatefulSetGrid", "ServiceGrid"):
        answer = api.post(f"{kind.lower()}s{dry_run}", builders.manifest("echo", kind, namespace))
        assert answer.status_code == 422
        assert namespace in pointers(answer)["/metadata/namespace"]
    bundle = [builders.manifest("fine"), builders.manifest("bad", namespace=namespace)]
    assert list(pointers(api.post(f"apply{dry_run}", bundle))) == ["/1/metadata/namespace"]
    for members in ([], [builders.manifest("a", namespace=namespace)]):
        answer = api.post(f"servicegroups{dry_run}", group(namespace, *members))
        assert list(pointers(answer)) == ["/metadata/namespace"]
    assert not Grid.objects.exists()
    nothing_stored()


def test_what_is_there_cannot_be_changed_or_removed_once_it_is_closed(api, settings):
    row = builders.grid("echo")
    builders.cell(row, "nodeunit1")
    package = ServiceGroup.objects.create(namespace="default", name="shop", key="zone1")
    settings.SGPORTAL_NAMESPACES = read_namespaces(["!default"], "sgportal")
    place, match = "deploymentgrids/default/echo", {"If_Match": row.etag}
    patch = {"spec": {"template": {"replicas": 5}}}
    for call in (
        lambda: api("PATCH", place, patch, Content_Type="application/merge-patch+json", **match),
        lambda: api("PUT", place, builders.manifest("echo"), **match),
        lambda: api("DELETE", place, **match),
        lambda: api("DELETE", place + "?dryRun=All", **match),
        lambda: api("DELETE", place + "/unused-templates", **match),
        lambda: api.post(place + "/recreate", {"unit": "nodeunit1"}),
        lambda: api("DELETE", "servicegroups/default/shop", If_Match=package.etag),
        lambda: api("PUT", "servicegroups/default/shop", group("default"), If_Match=package.etag),
    ):
        answer = call()
        assert answer.status_code in (403, 422), answer.content
        assert "closed to the portal" in answer.content.decode()
    assert Grid.objects.get().version == row.version
    assert not AuditEvent.objects.exists()
    assert api.get(place).status_code == 200, "reading stays open"


@pytest.mark.parametrize(
    ("pod", "place"),
    [
        ({"hostNetwork": True}, "/hostNetwork"),
        ({"hostPID": True}, "/hostPID"),
        ({"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}, "/volumes/0/hostPath"),
        (
            {"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": True}}]},
            "/containers/0/securityContext/privileged",
        ),
    ],
)
def test_a_pod_beyond_the_baseline_is_refused_at_every_address(api, pod, place):
    manifest = with_pod(**pod)
    assert list(pointers(api.post("deploymentgrids", manifest))) == [POD + place]
    assert list(pointers(api.post("apply", [builders.manifest("fine"), manifest]))) == ["/1" + POD + place]
    assert list(pointers(api.post("servicegroups", group("default", manifest)))) == ["/spec/grids/0" + POD + place]
    answer = api.yaml("POST", "apply", yaml.safe_dump(manifest))
    assert list(pointers(answer)) == [POD + place]
    nothing_stored()
    assert not Grid.objects.exists()


def test_a_patch_does_not_slip_past(api):
    row = builders.grid("echo")
    change = {"spec": {"template": {"template": {"spec": {"hostNetwork": True}}}}}
    answer = api(
        "PATCH", "deploymentgrids/default/echo", change, Content_Type="application/merge-patch+json", If_Match=row.etag
    )
    assert list(pointers(answer)) == [POD + "/hostNetwork"]


def test_a_grid_that_ran_before_keeps_its_pods_until_it_is_edited(api):
    row = builders.grid("echo")
    row.spec["template"]["template"]["spec"]["hostNetwork"] = True
    row.save()
    assert api.get("deploymentgrids/default/echo/plan").status_code == 200
    change, place = {"spec": {"template": {"replicas": 4}}}, "deploymentgrids/default/echo"
    how = {"Content_Type": "application/merge-patch+json", "If_Match": row.etag}
    assert list(pointers(api("PATCH", place, change, **how))) == [POD + "/hostNetwork"]
    assert api("DELETE", place, If_Match=row.etag).status_code == 202


def test_the_label_of_the_namespace_decides(api):
    Namespace.objects.create(name="loose", labels={ENFORCE: "privileged"})
    Namespace.objects.create(name="tight", labels={ENFORCE: "restricted"})
    assert api.post("deploymentgrids", with_pod("a", "loose", hostNetwork=True)).status_code == 201
    assert api.post("deploymentgrids", with_pod("a", "unseen", hostNetwork=True)).status_code == 422
    answer = api.post("deploymentgrids", builders.manifest("a", namespace="tight"))
    assert POD + "/containers/0/securityContext/runAsNonRoot" in pointers(answer)
    assert "restricted" in answer.json()["errors"][0]["detail"]


def test_the_portals_own_level_holds_where_there_is_no_label(api, settings):
    settings.SGPORTAL_POD_SECURITY = "privileged"
    assert api.post("deploymentgrids", with_pod(hostNetwork=True)).status_code == 201


def test_a_bundle_asks_for_the_labels_once(api):
    def bundle(count):
        return [builders.manifest(f"g{number}", namespace=f"n{number}") for number in range(count)]

    with CaptureQueriesContext(connection) as seen:
        api.post("apply?dryRun=All", bundle(5))
    assert sum('"sgportal_namespace"' in each["sql"] for each in seen.captured_queries) == 1


def test_a_service_takes_no_addresses_of_others(api, settings):
    manifest = builders.manifest("echo", "ServiceGrid")
    manifest["spec"]["template"]["externalIPs"] = ["10.0.0.1"]
    assert list(pointers(api.post("servicegrids", manifest))) == ["/spec/template/externalIPs"]
    settings.SGPORTAL_EXTERNAL_IPS = True
    assert api.post("servicegrids", manifest).status_code == 201


def test_the_sentence_is_in_the_callers_language(api):
    answer = api.post("deploymentgrids", with_pod(hostNetwork=True), Accept_Language="zh-hans")
    assert pointers(answer) == {
        POD + "/hostNetwork": "必须是 false 或不设置：命名空间“default”执行 Pod 安全性标准“baseline”"
    }
