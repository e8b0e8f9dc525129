"""What children of one template become by overrides, variables, placement and a divided number of replicas."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.plans import comparison
from sgportal.core.plans.plan import plan
from sgportal.core.units import Unit, units_of

from ..builders import a_manifest, a_node, a_template, a_world, frozen, reasons, settled

CANARY = {"matchLabels": {"tier": "canary"}}


def the_units(**labels):
    """Units of one node each, by name, whose nodes have these labels."""
    nodes = [a_node(f"n-{name}", zone=name, **extra) for name, extra in labels.items()]
    return units_of(nodes, "zone")


def grid(**spec):
    return parse(frozen(a_manifest(**spec)))


def bodies(spec, units, live=()):
    """The specs of the children that are wanted, by unit, and the findings."""
    chosen = spec.its(units)
    made = plan(spec, a_world(list(chosen), live, known=chosen))
    return {child.unit: child.body["spec"] for child in made.wanted}, reasons(made)


def container(body, index=0):
    return body["template"]["spec"]["containers"][index]


def in_container(**fields):
    return {"patch": {"template": {"spec": {"containers": [{"name": "c", **fields}]}}}}


FULL = a_template(
    containers=[
        {
            "name": "c",
            "image": "img:1",
            "args": ["--slow"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        }
    ]
)


@pytest.mark.parametrize(
    ("override", "seen"),
    [
        ({"replicas": 0}, lambda body: body["replicas"] == 0),
        ({"image": "img:2"}, lambda body: container(body)["image"] == "img:2"),
        ({"args": []}, lambda body: container(body)["args"] == []),
        (
            {"env": [{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]},
            lambda body: (
                container(body)["env"]
                == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]
            ),
        ),
        (
            {"resources": {"limits": {"memory": "2Gi"}}},
            lambda body: container(body)["resources"] == {"limits": {"cpu": "1", "memory": "2Gi"}},
        ),
        (
            in_container(args=None, tty=True),
            lambda body: "args" not in container(body) and container(body)["tty"] is True,
        ),
        (
            {
                "patch": {
                    "template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "$patch": "delete"}]}]}}
                }
            },
            lambda body: [each["name"] for each in container(body)["env"]] == ["B"],
        ),
        (
            {"patch": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}]}}}},
            lambda body: [each["name"] for each in body["template"]["spec"]["containers"]] == ["c", "side"],
        ),
        (
            {"patch": {"template": {"spec": {"nodeSelector": {"disk": "ssd", "zone": "elsewhere"}}}}},
            lambda body: body["template"]["spec"]["nodeSelector"] == {"disk": "ssd", "zone": "a"},
        ),
    ],
)
def test_an_override_changes_its_units_and_no_other(override, seen):
    found, findings = bodies(grid(template=FULL, overrides=[{"units": ["a"], **override}]), the_units(a={}, b={}))
    plain, _ = bodies(grid(template=FULL), the_units(a={}, b={}))
    assert seen(found["a"])
    assert found["b"] == plain["b"] != found["a"]
    assert findings == {}


def test_labels_that_all_nodes_of_a_unit_have_choose_it():
    nodes = [a_node("n1", zone="a", tier="canary"), a_node("n2", zone="a"), a_node("n3", zone="b", tier="canary")]
    spec = grid(overrides=[{"unitSelector": CANARY, "image": "img:2"}])
    found, _ = bodies(spec, units_of(nodes, "zone"))
    assert {name: container(body)["image"] for name, body in found.items()} == {"a": "img:1", "b": "img:2"}


def test_overrides_that_come_to_contradict_one_another_stop_that_unit_alone():
    spec = grid(overrides=[{"units": ["a"], "image": "img:2"}, {"unitSelector": CANARY, "image": "img:3"}])
    found, findings = bodies(spec, the_units(a={"tier": "canary"}, b={"tier": "canary"}))
    assert (list(found), findings) == (["b"], {"a": "OverrideConflict"})


def test_a_unit_that_is_stopped_keeps_what_it_has():
    live = settled(grid(), ["a", "b"])
    spec = grid(overrides=[{"units": ["a"], "image": "img:2"}, {"unitSelector": CANARY, "image": "img:3"}])
    units = the_units(a={"tier": "canary"}, b={})
    assert plan(spec, a_world(list(units), live, known=units)).steps == ()


def test_an_override_that_does_not_fit_the_template_of_a_unit_says_so_there():
    pool = {"other": a_template(containers=[{"name": "x", "image": "img:1"}, {"name": "y", "image": "img:1"}])}
    spec = grid(templatePool=pool, templates={"b": "other"}, overrides=[{"unitSelector": CANARY, "image": "img:2"}])
    found, findings = bodies(spec, the_units(a={"tier": "canary"}, b={"tier": "canary"}))
    assert (list(found), findings) == (["a"], {"b": "OverrideDoesNotFit"})


def test_variables_are_filled_in_for_each_unit_and_other_braces_stay():
    env = [
        {"name": "SITE", "value": "{{unit.name}}/{{ unit.labels.example.com/city }}"},
        {"name": "LIMIT", "value": "{{unit.vars.limit}}"},
        {"name": "GO", "value": "{{ .Values.x }} {{`"},
    ]
    template = a_template(containers=[{"name": "c", "image": "img:1", "env": env}])
    spec = grid(template=template, vars={"limit": "5"}, unitVars={"b": {"limit": "9"}})
    city = {"example.com/city": "Ulm"}
    found, _ = bodies(spec, the_units(a=city, b=city))
    assert [each["value"] for each in container(found["a"])["env"]] == ["a/Ulm", "5", "{{ .Values.x }} {{`"]
    assert [each["value"] for each in container(found["b"])["env"]] == ["b/Ulm", "9", "{{ .Values.x }} {{`"]


def test_a_variable_that_a_unit_does_not_have_stops_that_unit_alone():
    template = a_template("img:{{unit.vars.tag}}")
    spec = grid(template=template, unitVars={"a": {"tag": "2"}})
    found, findings = bodies(spec, the_units(a={}, b={}))
    assert (list(found), findings) == (["a"], {"b": "VariableMissing"})


def test_variables_that_make_an_invalid_child_stop_that_unit_alone():
    template = a_template()
    template["template"]["metadata"]["labels"] = {"app": "web", "site": "{{unit.vars.site}}"}
    spec = grid(template=template, unitVars={"a": {"site": "ok"}, "b": {"site": "not a label!"}})
    found, findings = bodies(spec, the_units(a={}, b={}))
    assert (list(found), findings) == (["a"], {"b": "InvalidForUnit"})


def test_a_quantity_may_be_a_variable():
    limits = {"resources": {"limits": {"memory": "{{unit.vars.memory}}"}}}
    spec = grid(
        template=a_template(containers=[{"name": "c", "image": "i", **limits}]),
        unitVars={"a": {"memory": "1Gi"}, "b": {"memory": "much"}},
    )
    found, findings = bodies(spec, the_units(a={}, b={}))
    assert container(found["a"])["resources"]["limits"]["memory"] == "1Gi"
    assert findings == {"b": "InvalidForUnit"}


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ({"include": {"units": ["a", "c"]}}, "ac"),
        ({"exclude": {"units": ["a"]}}, "bc"),
        ({"include": {"unitSelector": CANARY}}, "ab"),
        ({"include": {"unitSelector": CANARY}, "exclude": {"units": ["a"]}}, "b"),
        ({"exclude": {"unitSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}}, "c"),
    ],
)
def test_a_grid_is_for_the_units_that_it_includes(placement, expected):
    units = the_units(a={"tier": "canary"}, b={"tier": "canary"}, c={})
    assert "".join(bodies(grid(placement=placement), units)[0]) == expected


def no_replicas():
    return a_template(replicas=None)


@pytest.mark.parametrize(
    ("total", "division", "nodes", "expected"),
    [
        (7, {}, "abc", {"a": 3, "b": 2, "c": 2}),
        (10, {"by": "weight", "weights": {"a": 3}}, "ab", {"a": 8, "b": 2}),
        (10, {"by": "weight", "weights": {"a": 0, "b": 0}}, "ab", {"a": 5, "b": 5}),
        (6, {"by": "nodes"}, "aab", {"a": 4, "b": 2}),
        (2, {"atLeast": 1}, "abc", {"a": 1, "b": 1, "c": 1}),
        (5, {"atLeast": 1, "by": "nodes"}, "aaab", {"a": 3, "b": 2}),
        (0, {}, "ab", {"a": 0, "b": 0}),
    ],
)
def test_a_total_is_divided(total, division, nodes, expected):
    units = units_of([a_node(f"n{index}", zone=name) for index, name in enumerate(nodes)], "zone")
    found, _ = bodies(grid(template=no_replicas(), totalReplicas=total, division=division), units)
    assert {name: body["replicas"] for name, body in found.items()} == expected
    not_ready = units_of([a_node(f"n{index}", "NotReady", zone=name) for index, name in enumerate(nodes)], "zone")
    again, _ = bodies(grid(template=no_replicas(), totalReplicas=total, division=division), not_ready)
    assert again == found


def test_a_unit_with_a_number_of_its_own_takes_no_part_in_the_total():
    overrides = [{"units": ["a"], "replicas": 9}]
    spec = grid(template=no_replicas(), totalReplicas=4, overrides=overrides)
    found, _ = bodies(spec, the_units(a={}, b={}, c={}))
    assert {name: body["replicas"] for name, body in found.items()} == {"a": 9, "b": 2, "c": 2}


def test_units_with_the_same_overrides_share_what_they_have_and_are_compared_once(monkeypatch):
    spec = grid(overrides=[{"units": ["a", "b"], "image": "img:2"}])
    units = {name: Unit(name, ()) for name in "abcd"}
    live = settled(spec, list(units))
    compared = []
    plain = comparison.compared
    monkeypatch.setattr(comparison, "compared", lambda *of: compared.append(1) or plain(*of))
    made = plan(spec, a_world(list(units), live, known=units))
    assert (made.steps, len(compared)) == ((), 2)
    found = {child.unit: child.body["spec"]["template"]["spec"]["containers"] for child in made.wanted}
    assert found["a"] is found["b"]
    assert found["c"] is found["d"]


def test_null_counts_as_absent_wherever_it_stands():
    spec = grid(
        template=a_template("img:{{unit.vars.tag}}", replicas=None),
        vars={"tag": "1", "other": None},
        unitVars={"a": None, "b": {"tag": None}, "c": {"tag": "2"}},
        totalReplicas=4,
        division={"by": "weight", "weights": {"a": None}, "atLeast": None},
        placement={"include": None, "exclude": None},
        overrides=[{"units": ["a"], "unitSelector": None, "replicas": None, "env": None, "args": ["x"], "patch": None}],
        orphanPolicy=None,
    )
    found, findings = bodies(spec, the_units(a={}, b={}, c={}))
    assert [container(found[name])["image"] for name in "abc"] == ["img:1", "img:1", "img:2"]
    assert (sum(body["replicas"] for body in found.values()), findings) == (4, {})
