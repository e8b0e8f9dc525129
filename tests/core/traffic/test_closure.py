"""`spec.closure`: what is valid, what is chosen, what the Service says of itself, and what a change of mode writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.grids.grid import parse
from sgportal.core.names import CLOSURE, LAST_APPLIED, SELECTOR, TOPOLOGY_KEYS
from sgportal.core.plans.desired import closure_for, unasked
from sgportal.core.plans.diff import differences
from sgportal.core.plans.plan import plan
from sgportal.core.pods import pod_view
from sgportal.core.text import Invalid, say
from sgportal.core.traffic.closure import MODES, UNKNOWN, Capabilities, Closure, chosen, read_closure, write_closure
from sgportal.core.traffic.service import described, service_facts

from ..builders import a_manifest, a_service, a_world, frozen, live_of, reasons, verbs

ABLE = Capabilities(True, say("all nodes are new enough"))
OLD = Capabilities(False, say("node n1 runs 1.33"))


def closed(closure=None, **template):
    manifest = a_service(**template)
    if closure is not None:
        manifest["spec"]["closure"] = closure
    return manifest


def problems(manifest, can=None):
    with pytest.raises(Invalid) as caught:
        parse(frozen(manifest), can=can)
    return {problem.pointer: str(problem.sentence) for problem in caught.value.problems}


WAY_OUT = "; with mode “open” and “front: perUnit” each NodeUnit has a plain Service of its own, which works everywhere"
HEADLESS = (
    "a headless Service hands its clients the addresses of all pods, past every proxy; use mode “wrapper” or “open”"
)


@pytest.mark.parametrize(
    ("closure", "pointer", "sentence"),
    [
        ("strict", "/spec/closure", "must be an object, not “strict”"),
        ({}, "/spec/closure/mode", "is required"),
        ({"mode": 1}, "/spec/closure/mode", "must be text, not 1"),
        ({"mode": "strikt"}, "/spec/closure/mode", "unknown mode “strikt”; did you mean “strict”?"),
        ({"mode": "x"}, "/spec/closure/mode", "must be one of strict, failover, prefer, wrapper, open"),
        (
            {"mode": "failover"},
            "/spec/closure/failover",
            "is required: the NodeUnits to borrow from, in order",
        ),
        (
            {"mode": "failover", "failover": []},
            "/spec/closure/failover",
            "is required: the NodeUnits to borrow from, in order",
        ),
        ({"mode": "failover", "failover": "a"}, "/spec/closure/failover", "must be a list, not “a”"),
        ({"mode": "failover", "failover": ["a", ""]}, "/spec/closure/failover/1", "must name a NodeUnit"),
        (
            {"mode": "failover", "failover": ["a", "a"]},
            "/spec/closure/failover/1",
            "duplicate “a”, first at /spec/closure/failover/0",
        ),
        (
            {"mode": "strict", "failover": ["a"]},
            "/spec/closure/failover",
            "only mode “failover” has a list of NodeUnits to borrow from",
        ),
        (
            {"mode": "strict", "failovr": []},
            "/spec/closure/failovr",
            "unknown field “failovr”; did you mean “failover”?",
        ),
    ],
)
def test_a_bad_closure_names_the_field_and_the_cure(closure, pointer, sentence):
    assert problems(closed(closure)) == {pointer: sentence}


def test_hostile_units_are_refused():
    found = problems(closed({"mode": "failover", "failover": ["<b>", "华东", "ok", "x" * 64]}))
    assert list(found) == [f"/spec/closure/failover/{index}" for index in (0, 1, 3)]


@pytest.mark.parametrize("mode", ["strict", "failover", "prefer"])
def test_what_has_no_proxy_cannot_be_steered(mode):
    closure = {"mode": mode} | ({"failover": ["a"]} if mode == "failover" else {})
    assert problems(closed(closure, clusterIP="None")) == {"/spec/closure/mode": HEADLESS}
    found = problems(closed(closure, type="ExternalName", externalName="example.com"))
    assert list(found) == ["/spec/closure/mode"]


@pytest.mark.parametrize("mode", ["wrapper", "open"])
def test_the_other_modes_fit_any_service(mode):
    assert parse(closed({"mode": mode}, clusterIP="None")).closure == Closure(mode)


def test_a_workload_has_no_closure():
    assert list(problems(a_manifest(closure={"mode": "strict"}))) == ["/spec/closure"]


def test_what_the_cluster_cannot_keep_is_refused_with_its_reason():
    assert problems(closed({"mode": "prefer"}), OLD) == {
        "/spec/closure/mode": "mode “prefer” cannot be kept here: node n1 runs 1.33" + WAY_OUT
    }
    for manifest in (closed(), closed({"mode": "wrapper"})):
        assert parse(manifest, can=OLD)
    assert parse(closed({"mode": "prefer"}), can=ABLE)


@pytest.mark.parametrize(
    ("asked", "template", "can", "mode"),
    [
        (None, {}, ABLE, "strict"),
        (None, {}, OLD, "wrapper"),
        (None, {}, UNKNOWN, "wrapper"),
        (None, {"clusterIP": "None"}, ABLE, "wrapper"),
        (None, {"type": "ExternalName"}, ABLE, "wrapper"),
        (Closure("open"), {}, ABLE, "open"),
    ],
)
def test_the_choice_where_nobody_asks(asked, template, can, mode):
    assert chosen(asked, template, can).mode == mode


@given(
    st.sampled_from(MODES),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True),
    st.sampled_from(["zone", "x.io/y"]),
)
def test_the_annotation_says_it_all(mode, units, key):
    closure = Closure(mode, tuple(units) if mode == "failover" else ())
    assert read_closure(write_closure(closure, key)) == (closure, key)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["mode", "key", "failover", "x"]), inner, max_size=4)
        ),
    ),
)
def test_any_annotation_is_read_or_ignored(value):
    found = read_closure(json.dumps(value))
    assert found is None or (found[0].mode in MODES and found[1] == value["key"])
    assert read_closure("{") is None


def steps(closure, can, live=()):
    return plan(parse(frozen(closed(closure))), a_world(live=live, can=can))


def body_of(closure=None, can=ABLE):
    return steps(closure, can).steps[0].body


@pytest.mark.parametrize(
    "closure", [None, {"mode": "strict"}, {"mode": "prefer"}, {"mode": "failover", "failover": ["b"]}]
)
def test_a_steered_service_has_no_selector_and_describes_itself(closure):
    body = body_of(closure)
    assert "selector" not in body["spec"]
    assert body["metadata"]["annotations"][TOPOLOGY_KEYS] == '["zone"]'
    assert json.loads(body["metadata"]["annotations"][SELECTOR]) == {"app": "web"}
    live = live_of(body)
    live["spec"] |= {"clusterIP": "10.96.0.7", "ipFamilies": ["IPv6", "IPv4"], "internalTrafficPolicy": "Cluster"}
    facts = service_facts(frozen(live))
    expected = Closure("strict") if closure is None else Closure(closure["mode"], tuple(closure.get("failover", ())))
    assert (facts.closure, facts.key, facts.selector) == (expected, "zone", {"app": "web"})
    assert (facts.families, facts.headless, facts.uid) == (("IPv4", "IPv6"), False, "uid-g-svc")
    assert [(port.port, port.target, port.protocol) for port in facts.ports] == [(80, 80, "TCP")]


@pytest.mark.parametrize(("mode", "keys"), [("wrapper", {TOPOLOGY_KEYS}), ("open", set())])
def test_a_service_that_others_steer_keeps_its_selector(mode, keys):
    body = body_of({"mode": mode})
    assert body["spec"]["selector"] == {"app": "web"}
    assert body["metadata"].get("annotations", {}).keys() == keys
    assert service_facts(body) is None


def test_what_the_cluster_cannot_keep_leaves_the_live_service_as_it_is():
    live = [live_of(body_of({"mode": "wrapper"}))]
    made = steps({"mode": "strict"}, OLD, live)
    assert (verbs(made), reasons(made)) == ([], {"": "ClosureNotSupported"})
    assert str(made.findings[0].sentence) == "mode “strict” cannot be kept here: node n1 runs 1.33" + WAY_OUT


def others(manager, body):
    """The live Service as another manager left it, after ours had been taken off."""
    live = live_of(body)
    live["metadata"]["managedFields"] = [{"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {}}}]
    return live


@pytest.mark.parametrize("by", ["us", "kubectl"])
def test_the_selector_goes_whoever_put_it_there(by):
    """Server-side apply would leave what another manager owns, and with it the cluster's own EndpointSlices."""
    before = body_of({"mode": "wrapper"})
    live = live_of(before) if by == "us" else others("kubectl-edit", before)
    (step,) = steps({"mode": "strict"}, ABLE, [live]).steps
    gone = {change.path: (change.old, change.new, change.claimed) for change in step.changes}
    assert step.verb == "update"
    assert gone["/spec/selector"] == ({"app": "web"}, None, by != "us")
    assert len(gone) == 3
    assert verbs(steps({"mode": "strict"}, ABLE, [live_of(step.body)])) == []


def test_back_to_the_wrapper_our_annotations_go_and_the_selector_returns():
    live = others("kubectl-edit", body_of({"mode": "strict"}))
    (step,) = steps({"mode": "wrapper"}, ABLE, [live]).steps
    changed = {change.path: change.claimed for change in step.changes}
    assert changed == {
        "/spec/selector/app": False,
        "/metadata/annotations/sgportal.superedge.io~1closure": True,
        "/metadata/annotations/sgportal.superedge.io~1selector": True,
    }
    opened = {change.path for change in steps({"mode": "open"}, ABLE, [live]).steps[0].changes}
    assert "/metadata/annotations/topologyKeys" in opened


def test_a_service_between_two_modes_is_not_changed_twice():
    assert differences(body_of({"mode": "strict"}), live_of(body_of({"mode": "strict"}))) == ()


def test_annotations_of_ours_on_a_grid_are_not_passed_on():
    manifest = closed({"mode": "wrapper"})
    manifest["metadata"]["annotations"] = {CLOSURE: write_closure(Closure("strict"), "zone"), SELECTOR: "{}", "x": "y"}
    manifest["metadata"]["annotations"][LAST_APPLIED] = "{}"
    body = plan(parse(manifest), a_world(can=ABLE)).steps[0].body
    assert body["metadata"]["annotations"].keys() == {TOPOLOGY_KEYS, "x"}


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (SELECTOR, None),
        (SELECTOR, "{}"),
        (SELECTOR, "[1]"),
        (SELECTOR, '{"app": 1}'),
        (SELECTOR, "{"),
        (CLOSURE, None),
        (CLOSURE, '{"mode":"wrapper","key":"zone"}'),
        (CLOSURE, '{"mode":"strict","key":"a b"}'),
        (CLOSURE, '{"mode":"strict","key":"zone","failover":["a"]}'),
        (CLOSURE, "[" * 100_000),
    ],
)
def test_a_service_with_other_annotations_is_not_ours_to_keep(annotation, value):
    live = live_of(body_of({"mode": "strict"}))
    live["metadata"]["annotations"].pop(annotation)
    if value is not None:
        live["metadata"]["annotations"][annotation] = value
    assert service_facts(live) is None


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName"}])
def test_a_service_turned_headless_is_not_ours_to_keep(spec):
    live = live_of(body_of({"mode": "strict"}))
    live["spec"] |= spec
    assert service_facts(live) is None


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        ({"ipFamilies": ["IPv6"]}, ("IPv6",)),
        ({"clusterIP": "10.96.0.1"}, ("IPv4",)),
        ({"clusterIP": "fd00::1"}, ("IPv6",)),
        ({}, ("IPv4", "IPv6")),
        ({"clusterIP": "None"}, ("IPv4", "IPv6")),
    ],
)
def test_the_families_of_a_service(spec, families):
    body = {"metadata": {"namespace": "shop", "name": "x"}, "spec": spec}
    assert described(body, Closure("open"), "zone").families == families


def test_a_pod_is_read_from_its_body():
    body = {
        "metadata": {"namespace": "shop", "name": "p", "uid": "u", "labels": {"app": "web"}, "deletionTimestamp": "t"},
        "spec": {
            "nodeName": "n",
            "hostname": "h",
            "subdomain": "s",
            "containers": [
                {"ports": [{"name": "http", "containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]}
            ],
            "initContainers": [
                {"ports": [{"name": "once", "containerPort": 1}]},
                {"restartPolicy": "Always", "ports": [{"name": "mesh", "containerPort": 2}]},
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    pod = pod_view(frozen(body))
    assert (pod.node, pod.ips, pod.ready, pod.terminating) == ("n", ("10.0.0.1", "fd00::1"), True, True)
    assert pod.ports == (("http", 80, "TCP"), ("", 53, "UDP"), ("mesh", 2, "TCP"))
    assert (pod.uid, pod.hostname, pod.subdomain, pod.phase) == ("u", "h", "s", "Running")
    bare = pod_view({"metadata": {"namespace": "shop", "name": "p", "uid": "u"}, "status": {"podIP": "10.0.0.1"}})
    assert (bare.ips, bare.ready, bare.node) == (("10.0.0.1",), False, "")


@pytest.mark.parametrize(("asked", "was_managed"), [(None, True), (None, False), ({"mode": "strict"}, True)])
def test_a_service_kept_closed_stays_so_where_the_cluster_can_no_longer(asked, was_managed):
    """Nobody asked for it to be opened; what is wrong is said."""
    live = [live_of(body_of())]
    spec = parse(frozen(closed(asked)))
    can = unasked(spec, live, OLD, was_managed)
    made = plan(spec, a_world(live=live, can=can))
    assert (verbs(made), reasons(made)) == ([], {"": "ClosureNotSupported"})
    assert str(made.findings[0].sentence) == "mode “strict” cannot be kept here: node n1 runs 1.33" + WAY_OUT
    assert closure_for(spec, can) == Closure("strict")


def test_a_service_that_is_new_or_headless_is_not_held():
    for template in ({}, {"clusterIP": "None"}):
        spec = parse(frozen(closed(None, **template)))
        can = unasked(spec, [], OLD, was_managed=bool(template))
        assert closure_for(spec, can) == Closure("wrapper")
        assert verbs(plan(spec, a_world(can=can))) == [("create", "g-svc")]
