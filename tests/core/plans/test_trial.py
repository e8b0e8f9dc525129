"""What is tried with a dry run before a grid is stored, and what each answer of an API server means for which field.

The messages are a real API server's (1.37); tests/reconciler/grids/test_dry_run.py has it say them."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.plans.plan import World, plan
from sgportal.core.plans.trial import (
    MADE_UP,
    MOST_TEMPLATES,
    Trial,
    may_not,
    probes,
    told,
    trials,
    unchangeable,
    verdict,
    warnings,
)
from sgportal.core.units import Unit

from ..builders import OWNER, a_grid, a_service, a_template, frozen, live_of

QUOTA = 'pods "g-a-7k2lp" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
CPU = 'pods "g-a-x" is forbidden: exceeded quota: q, requested: limits.cpu=1, used: limits.cpu=0, limited: limits.cpu=0'
NEEDS = 'pods "g-a-x" is forbidden: failed quota: q: must specify limits.memory for: c'
LIMITS = 'pods "g-a-x" is forbidden: maximum cpu usage per Container is 500m, but limit is 1'
ACCOUNT = 'pods "g-a-x" is forbidden: error looking up service account shop/robot: serviceaccount "robot" not found'
PRIORITY = 'pods "g-a-x" is forbidden: no PriorityClass with name high was found'
NO_READING = (
    'namespaces "kube-system" is forbidden: User "product" cannot get resource "namespaces" in API group "" in the '
    'namespace "kube-system"'
)
NO_ROLES = (
    'deployments.apps "g" is forbidden: User "product" cannot patch resource "deployments" in API group "apps" in the '
    'namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "sgportal" not found'
)
NO_RIGHT = 'pods is forbidden: User "portal" cannot create resource "pods" in API group "" in the namespace "shop"'
NO_CHILD = (
    'deployments.apps "g-a" is forbidden: User "portal" cannot patch resource "deployments" in API group "apps" in the '
    'namespace "shop"'
)
NO_NAMESPACE = 'namespaces "shop" not found'
POLICY = (
    "deployments.apps \"g-a\" is forbidden: ValidatingAdmissionPolicy 'few' with binding 'few' denied request: failed "
    "expression: object.spec.replicas <= 5"
)
WORDS = (
    "deployments.apps \"g-a\" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'team' denied request: label "
    "team not found"
)
WEBHOOK = 'admission webhook "v.example" denied the request: not on a Friday'
SIDE_EFFECTS = 'admission webhook "v.example" does not support dry run'
AWAY = 'Internal error occurred: failed calling webhook "v.example": connection refused'


def planned(spec, units=("a",), live=()):
    return plan(spec, World(list(units), list(live), OWNER, 0.0)).steps


def tried(spec, units=("a",), live=()):
    """What is tried of a grid for its first probe."""
    probe = probes(spec, {name: Unit(name, ()) for name in units})[0]
    made = plan(probe.spec, World([probe.unit], list(live), OWNER, 0.0))
    return list(trials(probe, made.steps, made.wanted))


def child(**spec):
    return tried(a_grid(**spec))[0]


def pod(**spec):
    return tried(a_grid(**spec))[1]


def existing(trial):
    return Trial(trial.where, trial.body, True)


def test_a_new_grid_has_its_child_and_a_pod_of_it_tried():
    deployment, a_pod = tried(a_grid(), ["b", "a"])
    assert (deployment.body["kind"], deployment.body["metadata"]["name"]) == ("Deployment", "g-a")
    assert "ownerReferences" not in deployment.body["metadata"]
    assert (a_pod.body["kind"], a_pod.body["metadata"]["generateName"]) == ("Pod", "g-a-")
    assert a_pod.body["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
    assert a_pod.body["spec"]["nodeSelector"] == {"zone": "a"}
    assert (deployment.exists, a_pod.exists) == (False, False)


def test_a_key_that_no_node_has_is_tried_with_a_unit_that_is_made_up():
    assert tried(a_grid(), [])[0].body["metadata"]["name"] == f"g-{MADE_UP}"


def test_each_template_is_tried_where_it_is_used_and_few_of_many():
    pool = {name: a_template(image=f"img:{name}") for name in "vwxyz"}
    spec = a_grid(templatePool=pool, templates={"b": "x"})
    found = probes(spec, {name: Unit(name, ()) for name in "ab"})
    assert [(each.where, each.unit) for each in found] == [
        ("/spec/template", "a"),
        ("/spec/templatePool/v", MADE_UP),
        ("/spec/templatePool/w", MADE_UP),
        ("/spec/templatePool/x", "b"),
    ]
    assert len(found) == MOST_TEMPLATES
    assert planned(found[1].spec, [MADE_UP])[0].body["spec"]["template"]["spec"]["containers"][0]["image"] == "img:v"


def test_each_set_of_overrides_is_tried_with_its_first_unit():
    overrides = [{"units": ["b", "c", "d"], "image": "img:2"}, {"units": ["d"], "replicas": 3}]
    found = probes(a_grid(overrides=overrides), {name: Unit(name, ()) for name in "abcd"})
    assert [each.unit for each in found] == ["a", "b", "d"]


def test_a_service_is_tried_alone():
    assert [each.body["kind"] for each in tried(parse(a_service()))] == ["Service"]


def test_a_pod_of_a_statefulset_has_its_claims_and_its_host_name():
    template = {**a_template(), "serviceName": "db"}
    template["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    found = tried(a_grid(kind="StatefulSetGrid", template=template))[1].body
    assert found["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-g-a-0"}}]
    assert (found["spec"]["hostname"], found["spec"]["subdomain"]) == ("g-a-0", "db")
    assert found["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"


def test_no_pod_is_tried_where_none_would_be_made():
    assert [each.body["kind"] for each in tried(a_grid(template=a_template(replicas=0)))] == ["Deployment"]


def test_of_a_child_that_is_there_only_what_changes_is_tried():
    live = frozen(live_of(planned(a_grid())[0].body))
    assert tried(a_grid(), live=[live]) == []
    (scaled,) = tried(a_grid(template=a_template(replicas=3)), live=[live])
    assert (scaled.exists, scaled.body["metadata"]["uid"]) == (True, live["metadata"]["uid"])
    assert [each.body["kind"] for each in tried(a_grid(template=a_template("img:2")), live=[live])] == [
        "Deployment",
        "Pod",
    ]


@pytest.mark.parametrize(
    ("status", "message", "of_child", "of_pod"),
    [
        (403, POLICY, "refused", "refused"),
        (403, WORDS, "refused", "refused"),
        (400, WEBHOOK, "refused", "refused"),
        (500, WEBHOOK, "refused", "refused"),
        (409, WEBHOOK, "refused", "refused"),
        (404, NO_NAMESPACE, "refused", "refused"),
        (403, NO_CHILD, "refused", "unasked"),
        (403, NO_RIGHT, "refused", "unasked"),
        (403, NO_READING, "unasked", "unasked"),  # of an API server that has just begun
        (403, NO_ROLES, "unasked", "unasked"),
        (403, ACCOUNT, "refused", "warned"),
        (403, PRIORITY, "refused", "warned"),
        (403, QUOTA, "refused", "refused"),
        (403, LIMITS, "refused", "refused"),
        (400, SIDE_EFFECTS, "unasked", "unasked"),
        (500, AWAY, "unasked", "unasked"),
        (404, "the server could not find the requested resource", "unasked", "unasked"),
        (0, "the API server does not answer", "unasked", "unasked"),
        (401, "Unauthorized", "unasked", "unasked"),
        (429, "too many requests", "unasked", "unasked"),
        (503, "not ready", "unasked", "unasked"),
        (500, "failed to create typed patch object (…): .spec.x: field not declared in schema", "refused", "refused"),
        (500, "failed to convert new object (…): unable to parse quantity's suffix", "refused", "refused"),
        (409, "Apply failed with 1 conflict", None, None),
    ],
)
def test_what_an_answer_means(status, message, of_child, of_pod):
    assert (verdict(child(), status, message), verdict(pod(), status, message)) == (of_child, of_pod)


def test_a_full_quota_only_warns_of_a_change_to_what_runs():
    assert verdict(existing(pod()), 403, QUOTA) == "warned"
    assert verdict(existing(child()), 403, QUOTA) == "refused"
    assert verdict(existing(pod()), 403, NEEDS) == "refused"


def places(trial, message, causes=()):
    return [each.pointer for each in told(trial, message, causes)]


@pytest.mark.parametrize(
    ("of", "message", "pointer"),
    [
        (child, NO_NAMESPACE, "/metadata/namespace"),
        (child, NO_CHILD, "/metadata/namespace"),
        (child, POLICY, "/spec/template/replicas"),
        (child, WORDS, "/spec/template"),
        (child, "denied: metadata.labels.team must be set", "/metadata/labels/team"),
        (pod, "denied: metadata.labels.team must be set", "/spec/template/template/metadata/labels/team"),
        (child, "denied: spec.template.spec.hostNetwork", "/spec/template/template/spec/hostNetwork"),
        (pod, "denied: object.spec.containers[0].image", "/spec/template/template/spec/containers/0/image"),
        (pod, "failed: object.spec.containers.all(c, c.x)", "/spec/template/template/spec/containers"),
        (pod, "failed: object.spec.hostNetwork.orValue(true)", "/spec/template/template/spec/hostNetwork"),
        (pod, QUOTA, "/spec/template"),
        (pod, CPU, "/spec/template/template/spec/containers"),
        (pod, NEEDS, "/spec/template/template/spec/containers"),
        (pod, LIMITS, "/spec/template/template/spec/containers"),
    ],
)
def test_each_sentence_stands_at_the_field_to_change(of, message, pointer):
    assert places(of(), message) == [pointer]


@pytest.mark.parametrize(
    ("of", "field", "pointer"),
    [
        (child, "spec.template.spec.containers[0].image", "/spec/template/template/spec/containers/0/image"),
        (child, 'spec.template.spec.containers[name="c"].image', "/spec/template/template/spec/containers/0/image"),
        (child, 'spec.template.spec.containers[name="d"].image', "/spec/template/template/spec/containers"),
        (child, "spec.selector", "/spec/template/selector"),
        (child, "metadata.name", "/metadata/name"),
        (child, "metadata.namespace", "/metadata/namespace"),
        (child, "metadata.labels[a.b/c]", "/metadata/labels/a.b~1c"),
        (pod, "metadata.generateName", "/metadata/name"),
        (pod, "metadata.labels[a.b/c]", "/spec/template/template/metadata/labels/a.b~1c"),
        (pod, "spec.containers[9].image", "/spec/template/template/spec/containers/9/image"),
        (pod, "spec.nodeSelector[a.b/c]", "/spec/template/template/spec/nodeSelector/a.b~1c"),
        (child, "<nil>", "/spec/template"),
        (child, "", "/spec/template"),
        (child, "[]][[..", "/spec/template"),
    ],
)
def test_a_cause_stands_at_its_field(of, field, pointer):
    assert places(of(), "invalid", [{"field": field, "message": "no"}]) == [pointer]


def test_a_field_that_cannot_be_merged_is_named():
    message = (
        "failed to create typed patch object (shop/g-a; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.x: "
        'field not declared in schema\n  .spec.template.spec.containers[name="c"].y: field not declared in schema'
    )
    pointers = places(child(), message)
    assert pointers == ["/spec/template/template/spec/x", "/spec/template/template/spec/containers/0/y"]


def test_warnings_stand_at_the_field_they_name():
    texts = [
        'spec.template.spec.containers[0].env[1]: hides previous definition of "A"',
        "would violate PodSecurity",
        'spec.template.metadata.annotations[a.b/c]: deprecated since v1.27; use the "x" field instead',
    ]
    assert [each.pointer for each in warnings(child(), texts)] == [
        "/spec/template/template/spec/containers/0/env/1",
        "/spec/template",
        "/spec/template/template/metadata/annotations/a.b~1c",
    ]


def test_a_long_sentence_is_cut_and_a_missing_right_is_known():
    (problem,) = told(child(), "x" * 5000, ())
    assert len(str(problem.sentence)) < 1100
    assert (may_not(NO_RIGHT), may_not(POLICY)) == (True, False)


@pytest.mark.parametrize(
    ("kind", "changed", "asked"),
    [
        ("StatefulSetGrid", {"serviceName": "other-svc"}, ["uid-g-a"]),
        ("StatefulSetGrid", {"replicas": 3}, []),
        ("DeploymentGrid", {"selector": {"matchLabels": {"app": "web", "tier": "x"}}}, []),
    ],
)
def test_what_a_live_statefulset_cannot_change_is_asked_of_the_api_server(kind, changed, asked):
    template = a_template() | ({"serviceName": "web-svc"} if kind == "StatefulSetGrid" else {})
    before = a_grid(kind=kind, template=template)
    live = [live_of(each.body) for each in planned(before)]
    template = a_template() | template | changed
    template["template"]["metadata"]["labels"] = {"app": "web", "tier": "x"}
    probe = probes(a_grid(kind=kind, template=template), {"a": Unit("a", ())})[0]
    made = plan(probe.spec, World(["a"], live, OWNER, 0.0))
    assert [each.body["metadata"]["uid"] for each in unchangeable(probe, made, live)] == asked
