"""A save asks the API server before anything is stored: on the embedded cluster and on a real one, over HTTP."""

import contextlib
import json
import time
import urllib.error

import pytest
from django.db import connection as database

from sgportal.actions import admission, save_grids
from sgportal.actions.common import Stale
from sgportal.core.grids.grid import parse
from sgportal.core.text import Invalid, pointer
from sgportal.models import AuditEvent, Grid, ManagedCluster, ManagementMode, Revision
from sgportal.reconciler.process import dry_run
from tests.api import builders
from tests.api.conftest import Api, pointers
from tests.kube.admission import webhook
from tests.services import in_time

from ..world import ADA, a_grid, a_template

_BASE = "/apis/admissionregistration.k8s.io/v1"
NO_ANSWER = "was not possible"


@pytest.fixture
def api(world):
    builders.heard()
    return Api(builders.token(builders.user("olga", "operator")))


@pytest.fixture
def world(world):
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    return world


def make(world, body, namespace="default"):
    """Have an administrator make something."""
    resource = {"ResourceQuota": "resourcequotas", "LimitRange": "limitranges"}[body["kind"]]
    path, json = f"/api/v1/namespaces/{namespace}/{resource}", {"Content-Type": "application/json"}
    world.cluster._transport.call("POST", path, body={"apiVersion": "v1", **body}, headers=json)


def quota(name="q", **hard):
    return {"kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}}


def is_refused(manifest, why=""):
    """Whether the API server says no by now, with these words: what was made a moment ago takes one to be known to
    admission, and what was taken away as well."""

    def check():
        try:
            save_grids([manifest], ADA, dry_run=True)
        except Invalid as invalid:
            return why in str(invalid)
        return False

    return check


def stream(manifests):
    """The manifests as one YAML stream."""
    return "\n---\n".join(json.dumps(each) for each in manifests)


def nothing_stored():
    return not Grid.objects.exists() and not Revision.objects.exists() and not AuditEvent.objects.exists()


def test_a_grid_that_the_api_server_takes_is_stored_without_a_warning(world, api):
    answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert answer.status_code == 201
    assert "Warning" not in answer.headers
    assert "warnings" not in answer.json()["status"]
    asked = api.post("deploymentgrids?dryRun=All", a_grid("other", template=a_template()))
    assert asked.json()["warnings"] == []
    assert world.names() == []  # nothing ran yet


def test_a_full_quota_speaks_before_anything_is_stored(world, api):
    make(world, quota(pods="0"))
    grid = a_grid(template=a_template())
    world.until(is_refused(grid))
    answer = api.post("deploymentgrids", grid)
    assert answer.status_code == 422
    assert "exceeded quota: q" in pointers(answer)["/spec/template"]
    assert nothing_stored()
    chinese = Api(api.headers["Authorization"].split()[1], **{"Accept-Language": "zh-hans"})
    assert pointers(chinese.post("deploymentgrids", grid))["/spec/template"].startswith("集群拒绝：")


def test_a_full_quota_of_children_speaks_too(world, api):
    make(world, quota(**{"count/deployments.apps": "0"}))
    grid = a_grid(template=a_template())
    world.until(is_refused(grid))
    assert "exceeded quota" in pointers(api.post("deploymentgrids", grid))["/spec/template"]


def test_each_refused_grid_of_a_bundle_is_named_and_none_is_stored(world, api):
    make(world, quota(pods="0"))
    bundle = [a_grid("one", template=a_template()), a_grid("two", template=a_template(replicas=0))]
    pool = {"big": a_template()}
    bundle.append(a_grid("three", templatePool=pool, templates={"b": "big"}, template=a_template(replicas=0)))
    world.until(is_refused(bundle[0]))
    answer = api.yaml("POST", "apply", stream(bundle))
    assert answer.status_code == 422
    assert set(pointers(answer)) == {"/0/spec/template", "/2/spec/templatePool/big"}
    assert nothing_stored()


def test_a_group_is_refused_at_its_member(world, api):
    make(world, quota(pods="0"))
    member = {key: value for key, value in a_grid(template=a_template()).items() if key != "apiVersion"}
    world.until(is_refused(a_grid(template=a_template())))
    member = {**member, "metadata": {"name": "g"}, "spec": {"template": member["spec"]["template"]}}
    group = {"apiVersion": "superedge.io/v1", "kind": "ServiceGroup", "metadata": {"name": "shop"}}
    answer = api.post("servicegroups", {**group, "spec": {"gridUniqKey": "zone", "grids": [member]}})
    assert answer.status_code == 422, answer.content
    assert set(pointers(answer)) == {"/spec/grids/0/spec/template"}
    assert nothing_stored()


def test_what_runs_may_be_changed_under_a_full_quota_with_a_warning(world, api):
    grid = world.save(a_grid(template=a_template()))
    world.until(lambda: len(world.cluster.list("Pod", "default").items) == 2)
    make(world, quota(pods="2"))
    world.look()
    path, changed = grid.path, a_grid(template=a_template("img:2"))

    def warned():
        plan = api("PUT", f"{path}?dryRun=All", changed, If_Match=grid.etag).json()
        return any("exceeded quota" in each["detail"] for each in plan["warnings"])

    world.until(warned)
    answer = api("PUT", path, changed, If_Match=grid.etag)
    assert answer.status_code == 200
    (warning,) = answer.json()["status"]["warnings"]
    assert (warning["pointer"], "exceeded quota" in warning["detail"]) == ("/spec/template", True)
    assert answer.headers["Warning"].startswith('299 sgportal "/spec/template the cluster refuses: ')


def test_saving_what_is_stored_asks_nothing(world, api):
    grid = a_grid(template=a_template())
    world.save(grid)
    make(world, quota(pods="0"))
    world.server.reset_counts()
    answer = api.yaml("POST", "apply", stream([grid]))
    assert answer.json()["items"][0]["result"] == "unchanged"
    assert world.writes() == 0


def test_a_namespace_that_is_not_there_is_named(world, api):
    grid = a_grid(template=a_template())
    grid["metadata"]["namespace"] = "nowhere"
    answer = api.post("deploymentgrids", grid)
    assert answer.status_code == 422
    assert "nowhere" in pointers(answer)["/metadata/namespace"]
    assert nothing_stored()


@pytest.mark.real_only
def test_what_only_the_api_server_knows_is_refused_at_its_field(world, api):
    template = a_template()
    template["template"]["spec"]["containers"][0]["livenessProbe"] = {"httpGet": {"port": 70000}}
    answer = api.post("deploymentgrids", a_grid(template=template))
    assert answer.status_code == 422
    assert all(
        place.startswith("/spec/template/template/spec/containers/0/livenessProbe") for place in pointers(answer)
    )
    assert nothing_stored()


@pytest.mark.embedded_only
def test_a_slow_api_server_costs_two_seconds_and_a_warning(world, api):
    world.embedded.faults.add(effect="delay", seconds=20, methods=("PATCH", "POST"))
    bundle = [a_grid(f"g{n}", template=a_template()) for n in range(40)]
    answer = api.yaml("POST", "apply", stream(bundle))
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert len(items) == 40 == Grid.objects.count()
    assert all(NO_ANSWER in each["warnings"][0]["detail"] for each in items)
    assert answer.headers["Warning"].count("299 ") <= 2
    assert len(answer.headers["Warning"]) < 2100
    specs = {pointer(n): (parse(a_grid(f"s{n}", template=a_template())), None) for n in range(32)}
    began = time.monotonic()
    admission.ask(specs)
    took = time.monotonic() - began
    assert took > 1.9
    assert in_time(took, 10)  # each alone would have waited 20


def test_an_api_server_that_is_away_is_no_reason_not_to_store(world, api):
    world.server.unreachable(True)
    began = time.monotonic()
    answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert in_time(time.monotonic() - began, 4)
    assert answer.status_code in (201, 202)
    (warning,) = answer.json()["status"]["warnings"]
    assert NO_ANSWER in warning["detail"]
    assert NO_ANSWER in answer.headers["Warning"]
    assert Grid.objects.count() == 1


@pytest.mark.embedded_only
def test_of_a_large_bundle_only_so_much_is_asked(world, api):
    bundle = [a_grid(f"g{n}", template=a_template()) for n in range(admission.MOST // 2 + 3)]
    world.server.reset_counts()
    answer = api.yaml("POST", "apply?dryRun=All", stream(bundle))
    assert world.writes() == admission.MOST
    told = [each["warnings"] for each in answer.json()["items"]]
    assert [bool(each) for each in told] == [False] * (admission.MOST // 2) + [True] * 3
    assert NO_ANSWER in told[-1][0]["detail"]


@pytest.mark.embedded_only
@pytest.mark.parametrize("why", ["superedge", "halt"])
def test_a_portal_that_only_watches_does_not_ask(world, api, why):
    if why == "halt":
        ManagedCluster.objects.update_or_create(pk=1, defaults={"halt": "another-cluster"})
    else:
        ManagementMode.objects.update_or_create(pk=1, defaults={"mode": "read-only"})
    world.server.reset_counts()
    answer = api.post("deploymentgrids?dryRun=All", a_grid(template=a_template()))
    assert answer.status_code == 200, answer.content
    assert NO_ANSWER in answer.json()["warnings"][0]["detail"]
    assert world.writes() == 0


@pytest.mark.embedded_only
def test_it_can_be_switched_off(world, api, settings):
    settings.SGPORTAL_DRY_RUN_SECONDS = 0
    world.server.reset_counts()
    answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert (answer.status_code, "warnings" in answer.json()["status"], world.writes()) == (201, False, 0)


@pytest.mark.embedded_only
@pytest.mark.parametrize("group", [False, True])
def test_no_transaction_is_open_while_the_api_server_is_asked(world, api, monkeypatch, group):
    seen = []
    monkeypatch.setattr(dry_run, "ask", lambda *asked, ask=dry_run.ask: seen.append(_in_transaction()) or ask(*asked))
    if group:
        spec = {"gridUniqKey": "zone", "grids": [{"kind": "DeploymentGrid", "metadata": {"name": "g"}}]}
        spec["grids"][0]["spec"] = {"template": a_template()}
        body = {"apiVersion": "superedge.io/v1", "kind": "ServiceGroup", "metadata": {"name": "x"}, "spec": spec}
        answer = api.post("servicegroups", body)
    else:
        answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert answer.status_code == 201, answer.content
    assert seen == [False]


def _in_transaction():
    return database.in_atomic_block


@pytest.mark.embedded_only
def test_who_saves_meanwhile_is_not_overwritten(world, api, monkeypatch):
    grid = world.save(a_grid(template=a_template()))
    etag = grid.etag

    def ask(*asked, ask=dry_run.ask):
        monkeypatch.setattr(dry_run, "ask", ask)
        world.change(grid, lambda body: body["spec"]["template"].update(replicas=2))
        return ask(*asked)

    monkeypatch.setattr(dry_run, "ask", ask)
    with pytest.raises(Stale):
        save_grids([a_grid(template=a_template(replicas=9))], ADA, expect=etag)
    grid.refresh_from_db()
    assert grid.spec["template"]["replicas"] == 2


@pytest.mark.embedded_only
def test_who_makes_it_meanwhile_is_first(world, api, monkeypatch):
    grid = a_grid(template=a_template())

    def ask(*asked, ask=dry_run.ask):
        monkeypatch.setattr(dry_run, "ask", ask)
        save_grids([grid], ADA)
        return ask(*asked)

    monkeypatch.setattr(dry_run, "ask", ask)
    assert api.post("deploymentgrids", grid).status_code == 409
    assert Grid.objects.get().version == 1


HOSTILE = 'no "quotes", \\ back\r\nSet-Cookie: a=b\x00\x1b[31m 中文 ' + "x" * 5000


@pytest.mark.real_only
def test_a_webhook_speaks_and_its_words_are_no_headers(world, api, tmp_path):
    with webhook(world.server.plane, tmp_path, lambda body: HOSTILE.replace("\x00", "")):
        answer = api.post("deploymentgrids", a_grid(template=a_template()))
        assert answer.status_code == 422
        assert 'no "quotes"' in pointers(answer)["/spec/template"]
        assert nothing_stored()


@pytest.mark.real_only
def test_a_webhook_that_does_not_answer_is_told(world, api, tmp_path):
    with webhook(world.server.plane, tmp_path, lambda body: None) as running:
        running.stop()
        answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert answer.status_code == 201
    assert "failed calling webhook" in answer.json()["status"]["warnings"][0]["detail"]


@pytest.fixture
def limited(world):
    """A namespace of its own: an API server may apply a LimitRange for half a minute after it has gone. It takes pods
    once Kubernetes' controllers have made its ServiceAccount."""
    world.cluster._transport.call(
        "POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "limited"}}
    )
    yield "limited"
    world.cluster._transport.call("DELETE", "/api/v1/namespaces/limited")


def test_a_limit_range_speaks_at_the_containers(world, api, limited):
    limit = {"type": "Container", "max": {"cpu": "500m"}}
    make(world, {"kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [limit]}}, limited)
    template = a_template()
    template["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
    grid = a_grid(template=template)
    grid["metadata"]["namespace"] = limited
    world.until(is_refused(grid))
    said = pointers(api.post("deploymentgrids", grid))
    assert "maximum cpu usage per Container is 500m" in said["/spec/template/template/spec/containers"]
    assert nothing_stored()
    template["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "500m"}}
    assert api.post("deploymentgrids", grid).status_code == 201


def test_a_quota_of_amounts_speaks_at_the_containers(world, api):
    make(world, quota(**{"limits.cpu": "1"}))
    grid = a_grid(template=a_template())
    world.until(is_refused(grid))
    said = pointers(api.post("deploymentgrids", grid))
    assert "must specify limits.cpu" in said["/spec/template/template/spec/containers"]


def a_policy(plural, expression):
    """A policy about creates and updates of apps' or core's `plural`, and its binding to the namespace default."""
    rule = {
        "apiGroups": ["" if plural == "pods" else "apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [{**rule, "resources": [plural]}]},
        "validations": [{"expression": expression}],
    }
    binding = {"policyName": "test", "validationActions": ["Deny"]}
    return [
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", spec),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", binding),
    ]


@pytest.fixture
def policy(world):
    """Make a policy; it is taken away at the end, and the API server has forgotten it."""

    def enforce(plural, expression):
        for path, kind, spec in a_policy(plural, expression):
            body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "test"}}
            world.server.plane.request("POST", f"{_BASE}/{path}", {**body, "spec": spec})

    yield enforce
    for path, _, _ in a_policy("pods", ""):
        with contextlib.suppress(urllib.error.HTTPError):
            world.server.plane.request("DELETE", f"{_BASE}/{path}/test")
    world.server.plane.wait(lambda: not _speaks(world.server.plane), 20, "the policy is forgotten")


def _speaks(plane):
    """Whether the policy still refuses what all of the policies here refuse."""
    template = a_template(replicas=3)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": template["template"]["spec"]}
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": template}
    for path, body in (
        ("/api/v1/namespaces/default/pods", pod),
        ("/apis/apps/v1/namespaces/default/deployments", workload),
    ):
        try:
            plane.request("POST", f"{path}?dryRun=All", body)
        except urllib.error.HTTPError as error:
            if "ValidatingAdmissionPolicy 'test'" in error.read().decode():
                return True
    return False


@pytest.mark.real_only
@pytest.mark.parametrize(
    ("plural", "expression", "pointer"),
    [
        ("deployments", "object.spec.replicas <= 2", "/spec/template/replicas"),
        ("deployments", "has(object.metadata.labels) && 'team' in object.metadata.labels", "/metadata/labels"),
        ("pods", "object.spec.containers.all(c, c.image.contains('@'))", "/spec/template/template/spec/containers"),
    ],
)
def test_a_policy_speaks_at_the_field_it_is_about(world, api, policy, plural, expression, pointer):
    policy(plural, expression)
    grid = a_grid(template=a_template(replicas=3))
    world.until(is_refused(grid, expression))
    answer = api.post("deploymentgrids", grid)
    assert answer.status_code == 422
    ((where, said),) = pointers(answer).items()
    assert where.startswith(pointer), (where, said)
    assert "ValidatingAdmissionPolicy 'test'" in said
    assert nothing_stored()


@pytest.mark.real_only
def test_a_policy_against_pods_that_stand_alone_lets_ours_through(world, api, policy):
    policy("pods", "has(object.metadata.ownerReferences)")

    def alone():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"}}
        pod["spec"] = a_template()["template"]["spec"]
        try:
            world.server.plane.request("POST", "/api/v1/namespaces/default/pods?dryRun=All", pod)
        except urllib.error.HTTPError as error:
            return error.code == 422
        return False

    world.until(alone)
    answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert (answer.status_code, answer.headers.get("Warning")) == (201, None)


@pytest.mark.real_only
def test_a_level_that_only_warns_is_passed_on(world, api):
    path = "/api/v1/namespaces/default"
    label = "pod-security.kubernetes.io/warn"
    merge = "application/merge-patch+json"
    world.server.plane.request("PATCH", path, {"metadata": {"labels": {label: "restricted"}}}, content=merge)
    try:
        answer = api.post("deploymentgrids", a_grid(template=a_template()))
    finally:
        world.server.plane.request("PATCH", path, {"metadata": {"labels": {label: None}}}, content=merge)
    assert answer.status_code == 201
    assert any("would violate PodSecurity" in each["detail"] for each in answer.json()["status"]["warnings"])
    assert "would violate PodSecurity" in answer.headers["Warning"]


@pytest.mark.real_only
def test_without_the_right_to_ask_about_pods_a_save_says_so(world, api, monkeypatch):
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    binding = world.server.plane.request("GET", f"{roles}/sgportal-dry-runs-tests")
    world.server.plane.request("DELETE", f"{roles}/sgportal-dry-runs-tests")
    try:
        world.until(lambda: "create" in _warning(api))
        answer = api.post("deploymentgrids", a_grid(template=a_template()))
        assert answer.status_code == 201
        (warning,) = answer.json()["status"]["warnings"]
        assert "may not create pods" in warning["detail"]
    finally:
        kept = {"name": binding["metadata"]["name"]}
        again = {**binding, "metadata": kept}
        world.server.plane.request("POST", roles, again)
        world.until(lambda: not _warning(api))


def _warning(api):
    answer = api.post("deploymentgrids?dryRun=All", a_grid("probe", template=a_template()))
    return answer.headers.get("Warning", "")


@pytest.mark.embedded_only
def test_another_cluster_than_the_one_that_is_meant_is_not_asked(world, api):
    ManagedCluster.objects.update_or_create(pk=1, defaults={"uid": "another"})
    world.server.reset_counts()
    answer = api.post("deploymentgrids", a_grid(template=a_template()))
    assert answer.status_code == 201
    (warning,) = answer.json()["status"]["warnings"]
    assert "belongs to another cluster" in warning["detail"]
    assert world.writes() == 0
