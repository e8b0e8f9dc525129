"""Children that are alike are compared once, and each is judged as if it had been compared by itself."""

import copy
import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgportal.core.plans import alike, comparison
from sgportal.core.plans import plan as planning
from sgportal.core.plans.contest import TRIES, Attempt, digest
from sgportal.core.plans.plan import plan

from ..builders import a_grid, a_template, a_world, frozen, managed, set_by, settled

UNITS = [f"u{number}" for number in range(6)]
CONTAINER = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"c"}')


def pod(live):
    return live["spec"]["template"]["spec"]


def main(live):
    return pod(live)["containers"][0]


def by_kubectl(live):
    main(live)["image"] = "img:9"
    set_by("kubectl", live, *CONTAINER, "f:image")


def by_two(live, first="2026-01-01T00:00:00Z", second="2026-01-02T00:00:00Z"):
    """Two managers set the image, one after the other."""
    main(live)["image"] = "img:9"
    for name, when in (("kubectl", first), ("flux", second)):
        set_by(name, live, *CONTAINER, "f:image")
        live["metadata"]["managedFields"][-1]["time"] = when


def scaled(live, replicas=3):
    live["spec"]["replicas"] = replicas
    set_by("kube-controller-manager", live, "f:spec", "f:replicas", subresource="scale")


def an_entry(live, where, value, *field):
    where.append(value)
    if field:
        set_by("istio", live, *field)


CHANGES = {
    "nothing": lambda live: None,
    "a revision": lambda live: (
        live["metadata"].setdefault("annotations", {}).update({"deployment.kubernetes.io/revision": "4"})
    ),
    "another object": lambda live: live["metadata"].update(
        uid="other", resourceVersion="99", generation=7, creationTimestamp="2026-01-01T00:00:00Z"
    ),
    "a status": lambda live: live["metadata"]["managedFields"].append(
        managed("kube-controller-manager", {"f:status": {}}, subresource="status")
    ),
    "an image": by_kubectl,
    "an image by two": by_two,
    "an image by two, the other way round": lambda live: by_two(live, "2026-01-04T00:00:00Z", "2026-01-03T00:00:00Z"),
    "an image by nobody": lambda live: main(live).update(image="img:9"),
    "replicas": scaled,
    "other replicas": lambda live: scaled(live, 5),
    "a container by admission": lambda live: an_entry(live, pod(live)["containers"], {"name": "sidecar"}),
    "a container by another": lambda live: an_entry(
        live, pod(live)["containers"], {"name": "sidecar"}, *CONTAINER[:-1], 'k:{"name":"sidecar"}', "f:image"
    ),
    "a wrong node": lambda live: pod(live)["nodeSelector"].update(zone="elsewhere"),
    "a further node label": lambda live: pod(live)["nodeSelector"].update(disk="ssd"),
    "no node selector": lambda live: pod(live).pop("nodeSelector"),
    "a number for a truth": lambda live: live["spec"].update(paused=0),
    "a truth": lambda live: live["spec"].update(paused=False),
    "another selector": lambda live: live["spec"]["selector"]["matchLabels"].update(more="x"),
    "no label": lambda live: live["metadata"]["labels"].pop("superedge.io/grid-uniq-key"),
    "no owner": lambda live: live["metadata"].pop("ownerReferences", None),
    "another owner": lambda live: live["metadata"].get("ownerReferences", [{}])[0].update(uid="stranger"),
    "a label of ours": lambda live: (
        live["metadata"]["labels"].update(old="x"),
        live["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"].update({"f:old": {}}),
    ),
    "another argument": lambda live: main(live).update(args=[*(main(live).get("args") or ["a"])[:-1], "--other"]),
    "a variable's value": lambda live: main(live).update(env=[{"name": "SITE", "value": "elsewhere"}]),
    "a variable's entry gone": lambda live: main(live).pop("env", None),
    "being deleted": lambda live: live["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"),
}
SOME = st.lists(st.sampled_from(sorted(CHANGES)), max_size=2, unique=True)


def with_variables():
    """A template with variables in keyed and in plain lists, in names and in values that have rules."""
    made = a_template()
    made["template"]["spec"]["containers"][0] |= {
        "env": [{"name": "SITE", "value": "{{unit.name}}"}, {"name": "CITY", "value": "{{unit.vars.city}}"}],
        "args": ["--site={{unit.name}}", "--port=1"],
        "resources": {"limits": {"cpu": "{{unit.vars.size}}"}},
        "volumeMounts": [{"name": "data-{{unit.name}}", "mountPath": "/data"}],
    }
    made["template"]["spec"]["volumes"] = [{"name": "data-{{unit.name}}", "emptyDir": {}}]
    return made


GRIDS = {
    "plain": {},
    "two templates": {"templatePool": {"other": a_template("img:2")}, "templates": {"u1": "other", "u2": "other"}},
    "no replicas": {"template": a_template(replicas=None)},
    "its own node selector": {"template": a_template(nodeSelector={"disk": "ssd"})},
    "ignoring": {"ignoreDifferences": [{"jsonPointers": ["/spec/replicas"]}, {"managers": ["istio", "kubectl"]}]},
    "paused": {"template": {**a_template(), "paused": False}},
    "variables": {"template": with_variables(), "vars": {"size": "2", "city": "x"}, "unitVars": {"u2": {"city": "1"}}},
}
CONTESTED = {'spec.template.spec.containers[name="c"].image': Attempt(TRIES, digest("img:1"), 900.0, "kubectl")}


def by_itself(monkeypatch, spec, world):
    """The plan where no two children are taken to be alike."""
    with monkeypatch.context() as patched:
        patched.setattr(alike, "likeness", lambda *_: None)
        return plan(spec, world)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(GRIDS)),
    st.lists(
        st.lists(st.sampled_from(sorted(CHANGES)), max_size=2, unique=True), min_size=len(UNITS), max_size=len(UNITS)
    ),
    st.sets(st.sampled_from(UNITS)),
    st.booleans(),
)
def test_a_plan_is_the_same_for_every_mixture_of_children(grid, changes, contested, carried_out):
    spec = a_grid(**copy.deepcopy(GRIDS[grid]))
    live = settled(spec, UNITS)
    for each, names in zip(live, changes, strict=True):
        for name in names:
            if "nodeSelector" in pod(each):
                CHANGES[name](each)
    attempts = dict.fromkeys(contested, CONTESTED)
    world = a_world(UNITS, frozen(live), attempts=attempts, carried_out=carried_out)
    with pytest.MonkeyPatch.context() as patched:
        assert plan(spec, world) == by_itself(patched, spec, world)


def test_what_is_alike_is_compared_once_and_what_is_not_by_itself(monkeypatch):
    spec = a_grid()
    units = [f"u{number}" for number in range(50)]
    live = settled(spec, units)
    by_kubectl(live[3])
    by_kubectl(live[4])
    seen = []
    monkeypatch.setattr(planning, "compared_child", _counting(seen, planning.compared_child))
    made = plan(spec, a_world(units, live))
    assert [step.unit for step in made.steps] == sorted(
        [live[3]["metadata"]["name"][2:], live[4]["metadata"]["name"][2:]]
    )
    assert len(seen) == 2


@pytest.mark.parametrize(("change", "times"), [("an image", 1), ("another argument", 50)])
def test_what_differs_by_variables_alone_is_compared_once(monkeypatch, change, times):
    """Unless the difference repeats a variable's value: an argument stands in a list that is replaced as a whole."""
    fields = copy.deepcopy(GRIDS["variables"])
    pod_spec = fields["template"]["template"]["spec"]
    del pod_spec["volumes"], pod_spec["containers"][0]["volumeMounts"]  # names that managers' sets repeat
    spec = a_grid(**fields)
    units = [f"u{number}" for number in range(50)]
    live = settled(spec, units)
    for each in live:
        CHANGES[change](each)
    seen = []
    monkeypatch.setattr(planning, "compared_child", _counting(seen, planning.compared_child))
    made = plan(spec, a_world(units, live, carried_out=True))
    assert len(made.steps) == 50
    assert len(seen) == times
    if times > 1:
        assert {each.old[0] for step in made.steps for each in step.changes} == {f"--site={unit}" for unit in units}


def _counting(seen, work):
    def counted(ignored, wanted, live):
        seen.append(live["metadata"]["name"])
        return work(ignored, wanted, live)

    return counted


def test_the_manager_that_came_last_is_named_for_each_child():
    """Of times only the order counts, but that does."""
    spec = a_grid()
    live = settled(spec, ["a", "b", "c"])
    by_two(live[0])
    by_two(live[1], "2026-01-04T00:00:00Z", "2026-01-03T00:00:00Z")
    by_two(live[2], "2026-02-04T00:00:00Z", "2026-02-05T00:00:00Z")
    made = plan(spec, a_world(["a", "b", "c"], live, carried_out=True))
    assert [step.changes[0].by for step in made.steps] == ["flux", "kubectl", "flux"]


def test_what_is_no_json_is_compared_by_itself():
    spec = a_grid()
    live = settled(spec, ["a", "b"])
    for each in live:
        each["spec"]["odd"] = {1, 2}
    assert alike.likeness(live[0], live[0], alike.OF_ONE_UNIT) is None
    assert plan(spec, a_world(["a", "b"], live)).steps == ()


def test_a_node_selector_that_is_not_as_wanted_is_alike_to_none_that_is():
    spec = a_grid()
    wanted = planning.plan(spec, a_world(["a", "b"])).steps
    live = settled(spec, ["a", "b"])
    marks = [alike.likeness(step.body, each, alike.OF_ONE_UNIT) for step, each in zip(wanted, live, strict=True)]
    assert marks[0] == marks[1]
    assert alike.likeness(wanted[0].body, live[1], alike.OF_ONE_UNIT) != marks[0]
    assert comparison.compared_child((), wanted[0].body, live[1]).immutable == "spec.selector"


VALUES = st.recursive(
    st.none() | st.integers(0, 2) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=12,
)


@st.composite
def trees(draw, value):
    """Places in a value: some of its steps, each whole or further into it."""
    steps = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    chosen = draw(st.lists(st.sampled_from(steps), unique=True)) if len(steps) else []
    return {
        step: draw(trees(value[step])) if isinstance(value[step], dict | list) and draw(st.booleans()) else None
        for step in chosen
    }


def ways(tree, before=()):
    for step, inner in tree.items():
        yield from [(*before, step)] if inner is None else ways(inner, (*before, step))


def at(value, way):
    """What is at the end of a way into a value, None where it leads nowhere."""
    for step in way:
        fits = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list)
        if not fits or (step not in value if isinstance(value, dict) else step >= len(value)):
            return None
        value = value[step]
    return value


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_the_same_at_the_places_of_a_tree_is_left_out_and_nothing_else(data):
    """The quick way through both at once, against one place after the other."""
    want = data.draw(VALUES)
    tree = data.draw(trees(want))
    have = data.draw(st.just(copy.deepcopy(want)) | VALUES)
    before = copy.deepcopy((want, have))
    found = alike._without_same(want, have, tree)
    assert (want, have) == before
    for *first, last in ways(tree):
        if (same := at(want, (*first, last))) is not None and same == at(have, (*first, last)):
            at(want, first)[last] = at(have, first)[last] = None
    assert found == (want, have)


def test_a_later_plan_of_the_same_grid_compares_only_what_is_new(monkeypatch):
    compared = []

    def counting(ignored, wanted, live):
        compared.append(wanted["metadata"]["name"])
        return comparison.compared_child(ignored, wanted, live)

    monkeypatch.setattr(planning, "compared_child", counting)
    spec = a_grid()
    live = settled(spec, UNITS)
    for _ in range(3):
        assert not plan(spec, a_world(UNITS, live)).steps
    assert len(compared) == 1
    for number in range(alike.MOST_KEPT * 2):
        edited = copy.deepcopy(live)
        main(edited[0])["image"] = f"other:{number}"
        found, alone = plan(spec, a_world(UNITS, edited)), plan(a_grid(), a_world(UNITS, edited))
        assert found == alone
        assert [step.verb for step in found.steps] == ["update"]


def test_what_is_kept_for_the_next_plan_does_not_grow_with_plans():
    """Each plan of a grid with NodeUnits that stay at an earlier revision reads that anew, and its trees with it."""

    class Places(dict):
        """A tree of which it is known whether anybody keeps it."""

    answered, body = alike.once_for_alike(lambda _wanted, _live: "", alike.MOST_KEPT), settled(a_grid(), UNITS)[0]
    kept = []
    for _ in range(100):
        varying = Places(template={"spec": {"containers": {0: {"image": None}}}})
        kept.append(weakref.ref(varying))
        assert answered(body, body, varying) == ""
    del varying
    gc.collect()
    assert len([each for each in kept if each() is not None]) <= alike.MOST_KEPT + 1
