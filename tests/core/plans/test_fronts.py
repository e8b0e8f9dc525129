"""The plain Services beside a ServiceGrid's own (`spec.front`): what they are, when they come and go, what is
refused."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.names import FRONT, GRID_SELECTOR, UNIT
from sgportal.core.plans.plan import plan
from sgportal.core.text import Invalid

from ..builders import OWNER, a_service, a_world, frozen, live_of, reasons, verbs

WIDE = {
    "type": "LoadBalancer",
    "externalTrafficPolicy": "Local",
    "internalTrafficPolicy": "Local",
    "trafficDistribution": "PreferSameZone",
    "sessionAffinity": "ClientIP",
    "ports": [{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080}],
}


def fronted(front, **template):
    """The manifest of a ServiceGrid with a front."""
    manifest = a_service(**template)
    manifest["spec"]["front"] = front
    return manifest


def bodies(made):
    return {child.name: child.body for child in made.wanted}


def settled(front, units=("a", "b"), **template):
    """Its Services as they are in the cluster once it is carried out."""
    made = plan(parse(fronted(front, **template)), a_world(units))
    return [live_of(child.body) for child in made.wanted]


def test_a_front_of_all_pods_is_a_plain_service_with_the_selector_and_owned_by_the_grid():
    manifest = fronted("all", **WIDE)
    made = bodies(plan(parse(frozen(manifest)), a_world(["a", "b"])))
    assert set(made) == {"g-svc", "g-all"}
    found = made["g-all"]
    assert found["spec"] == {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "web"}],
        "sessionAffinity": "ClientIP",
        "type": "ClusterIP",
    }
    assert found["metadata"]["labels"][FRONT] == "all"
    assert found["metadata"]["labels"][GRID_SELECTOR] == "g"
    assert found["metadata"]["ownerReferences"] == made["g-svc"]["metadata"]["ownerReferences"]
    assert found["metadata"]["ownerReferences"][0]["uid"] == OWNER.uid
    assert FRONT not in made["g-svc"]["metadata"]["labels"]


def test_a_front_per_unit_selects_the_pods_with_that_units_label():
    made = bodies(plan(parse(fronted("perUnit")), a_world(["a", "b"])))
    assert set(made) == {"g-svc", "g-a", "g-b"}
    assert made["g-a"]["spec"]["selector"] == {"app": "web", UNIT: "a"}
    assert made["g-b"]["metadata"]["labels"][UNIT] == "b"


def test_annotations_are_about_the_grids_own_service_alone():
    manifest = fronted("all")
    manifest["metadata"]["annotations"] = {"external-dns.alpha.kubernetes.io/hostname": "shop.example"}
    made = bodies(plan(parse(manifest), a_world()))
    assert "annotations" not in made["g-all"]["metadata"]
    assert "external-dns.alpha.kubernetes.io/hostname" in made["g-svc"]["metadata"]["annotations"]


def test_a_headless_service_gets_headless_services_of_its_units():
    made = bodies(plan(parse(fronted("perUnit", clusterIP="None", ports=[])), a_world(["a"])))
    assert made["g-a"]["spec"] == {"type": "ClusterIP", "clusterIP": "None", "selector": {"app": "web", UNIT: "a"}}


@pytest.mark.parametrize("front", ["all", "perUnit"])
def test_once_carried_out_nothing_is_left_to_do(front):
    assert plan(parse(fronted(front)), a_world(["a", "b"], settled(front))).steps == ()


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ("all", None, [("delete", "g-all")]),
        ("perUnit", None, [("delete", "g-a"), ("delete", "g-b")]),
        ("all", "perUnit", [("create", "g-a"), ("create", "g-b"), ("delete", "g-all")]),
        ("perUnit", "all", [("create", "g-all"), ("delete", "g-a"), ("delete", "g-b")]),
    ],
)
def test_another_front_takes_the_place_of_the_one_before_and_the_service_stays(before, after, steps):
    manifest = fronted(after)
    made = plan(parse(manifest), a_world(["a", "b"], settled(before)))
    assert sorted(verbs(made)) == sorted(steps)
    assert all(step.cause == "" for step in made.steps)  # somebody asked for it: no brake


def test_units_that_join_get_a_front_and_those_that_leave_lose_it_after_the_grace_time():
    spec, live = parse(fronted("perUnit")), settled("perUnit")
    assert verbs(plan(spec, a_world(["a", "b", "c"], live))) == [("create", "g-c")]
    waits = plan(spec, a_world(["a"], live, gone_since={"b": 1000.0}, now=1059.0, grace=60.0))
    assert (verbs(waits), reasons(waits)) == ([], {"b": "FrontKept"})
    gone = plan(spec, a_world(["a"], live, gone_since={"b": 1000.0}, now=1061.0, grace=60.0))
    assert verbs(gone) == [("delete", "g-b")]


def test_a_name_that_somebody_else_has_is_never_taken():
    stranger = {
        "metadata": {"name": "g-all", "namespace": "shop", "uid": "theirs"},
        "spec": {"selector": {"app": "other"}},
    }
    made = plan(parse(fronted("all")), a_world(live=[stranger]))
    assert verbs(made) == [("create", "g-svc")]
    assert reasons(made) == {"": "NameConflict"}
    turned_off = plan(parse(fronted(None)), a_world(live=[stranger]))
    assert verbs(turned_off) == [("create", "g-svc")]


@pytest.mark.parametrize("unit", ["North", "x" * 62, "svc", "a.b"])
def test_a_unit_whose_name_makes_no_service_name_is_told_and_the_others_have_theirs(unit):
    made = plan(parse(fronted("perUnit")), a_world(["a", unit]))
    assert verbs(made) == [("create", "g-svc"), ("create", "g-a")]
    assert reasons(made) == {unit: "InvalidName"}
    with pytest.raises(Invalid) as refused:
        parse(fronted("perUnit"), [unit])
    assert [each.pointer for each in refused.value.problems] == ["/spec/front"]
    parse(fronted("perUnit"), [unit, "a"])


def test_what_is_in_the_name_of_another_grids_service_is_left_there():
    other = live_of(bodies(plan(parse(a_service("g-a")), a_world()))["g-a-svc"])
    other["metadata"]["ownerReferences"][0]["uid"] = "another-grid"
    made = plan(parse(fronted("perUnit")), a_world(["a-svc"], [other]))
    assert verbs(made) == [("create", "g-svc")]
    assert reasons(made) == {"a-svc": "NameConflict"}


def test_a_front_that_cannot_be_changed_is_made_anew_and_the_service_waits_for_a_person():
    headless, normal = {"clusterIP": "None"}, parse(fronted("perUnit"))
    live = settled("perUnit", **headless)
    made = plan(normal, a_world(["a", "b"], live))
    assert (verbs(made), reasons(made)) == ([("delete", "g-a"), ("delete", "g-b")], {"": "ImmutableField"})
    left = [each for each in live if each["metadata"]["name"] == "g-svc"]
    assert verbs(plan(normal, a_world(["a", "b"], left))) == [("create", "g-a"), ("create", "g-b")]


def test_recreating_the_service_leaves_the_front_of_all_pods_alone():
    made = plan(parse(fronted("all")), a_world(live=settled("all"), recreate=[""]))
    assert verbs(made) == [("delete", "g-svc")]


def test_deleting_the_grid_deletes_its_fronts():
    made = plan(parse(fronted("perUnit")), a_world(["a", "b"], settled("perUnit"), deleting=True))
    assert sorted(verbs(made)) == [("delete", "g-a"), ("delete", "g-b"), ("delete", "g-svc")]


@pytest.mark.parametrize(
    ("front", "template"),
    [
        ("both", {}),
        (["all"], {}),
        ("all", {"type": "ExternalName", "externalName": "x.example"}),
        ("perUnit", {"type": "ExternalName", "externalName": "x.example"}),
        ("all", {"clusterIP": "None"}),
    ],
)
def test_a_front_that_makes_no_sense_is_refused_by_its_field(front, template):
    with pytest.raises(Invalid) as refused:
        parse(fronted(front, **template))
    assert "/spec/front" in [each.pointer for each in refused.value.problems]


def test_a_grid_of_workloads_has_no_front():
    manifest = fronted("all") | {"kind": "DeploymentGrid"}
    with pytest.raises(Invalid) as refused:
        parse(manifest)
    assert "/spec/front" in [each.pointer for each in refused.value.problems]
