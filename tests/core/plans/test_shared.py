"""Objects that the watch stored are read as they are, though they share what is the same in them; and a plan of them
is the plan of the same objects, each of which is compared by itself."""

import copy
import json

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sgportal.core.plans import plan as planning
from sgportal.core.plans.per_unit.shared import Reader, Shared
from sgportal.core.plans.plan import plan
from sgportal.core.plans.preview.binding import plan_id
from sgportal.core.plans.world import AS_IT_IS, Pinned

from ..builders import a_grid, a_template, a_world, set_by, settled
from .test_alike import CHANGES, CONTESTED, GRIDS, by_itself, by_two, main, pod

UNITS = ["hamburg", "kiel", "bremen", "rostock", "emden", "t", "7", "main", "u0041"]
TIMES = ["2026-11-01T00:00:00Z", "2026-11-02T03:04:05Z"]


def read(live, prefix="g-", separators=(", ", ": ")):
    """Live objects as `last_seen` reads them."""
    reader = Reader()
    return [
        reader.read(
            json.dumps(each, separators=separators, ensure_ascii=False),
            each["metadata"]["name"].removeprefix(prefix),
            each["metadata"]["uid"],
            each["metadata"]["resourceVersion"],
        )
        for each in live
    ]


TEXTS = st.one_of(
    st.sampled_from([*UNITS, *TIMES, "--site=kiel", "kiel at " + TIMES[0], '"' + TIMES[0], "\x7fu", "\\u007f", "ü"]),
    st.text(max_size=4),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.lists(st.sampled_from(UNITS), min_size=3, max_size=5), st.booleans(), st.booleans())
@example({"time": "\x7ft"}, ["t", "t", "t"], False, False)
@example({"kiel": "\\u007f"}, ["kiel", "kiel", "kiel"], False, False)
def test_what_is_read_is_what_is_written(value, units, ascii_only, dense):
    """Whatever is in it, and wherever its own texts are."""
    reader = Reader()
    for number, unit in enumerate(units):
        body = {"spec": value, "metadata": {"uid": f"{number}", "resourceVersion": str(number), "labels": {"x": unit}}}
        text = json.dumps(body, ensure_ascii=ascii_only, separators=(",", ":") if dense else None)
        before = copy.deepcopy(body)
        assert reader.read(text, unit, str(number), str(number)) == orjson.loads(text) == before


def test_what_is_the_same_in_objects_is_there_once():
    spec = a_grid()
    units = [f"unit-{number:03}" for number in range(30)]
    live = settled(spec, units)
    for number, each in enumerate(live):
        each["metadata"]["uid"], each["metadata"]["resourceVersion"] = f"uid-{number}", str(number)
        each["metadata"]["managedFields"][0]["time"] = TIMES[number % 2]
    found = read(live)
    assert found == live
    assert [isinstance(each, Shared) for each in found] == [False, *[True] * 29]
    assert len({id(pod(each)["containers"]) for each in found[1:]}) == 1
    assert len({id(each["metadata"]["managedFields"][0]["fieldsV1"]) for each in found[1:]}) == 1


def test_children_of_one_shape_are_compared_once(monkeypatch):
    units = [f"unit-{number:03}" for number in range(30)]
    seen = []
    work = planning.compared_child

    def counted(ignored, wanted, live):
        seen.append(live["metadata"]["name"])
        return work(ignored, wanted, live)

    monkeypatch.setattr(planning, "compared_child", counted)
    plan(a_grid(template=a_template("img:2")), a_world(units, read(settled(a_grid(), units))))
    assert len(seen) == 2  # the first of a shape shares nothing


STORES = [f"store-{letter}" for letter in "abcdefghijkl"]
NAMED = {
    "an image of its own": lambda live: main(live).update(image="img:" + live["metadata"]["name"]),
    "an argument of its own": lambda live: main(live).update(args=["--site=" + live["metadata"]["name"]]),
    "an annotation of its own": lambda live: (
        live["metadata"].setdefault("annotations", {}).update({"note": live["metadata"]["name"]}),
        set_by("kubectl", live, "f:metadata", "f:annotations", "f:note"),
    ),
    "its restart": lambda live: (
        live["spec"]["template"]["metadata"].setdefault("annotations", {}).update({"at": TIMES[len(pod(live)) % 2]})
    ),
}
EVERY = CHANGES | NAMED


def with_variables():
    fields = copy.deepcopy(GRIDS["variables"])
    made = {"spec": fields["template"]}
    del pod(made)["volumes"], main(made)["volumeMounts"]  # managers' sets have these names among their own
    return fields


LAYERS = {
    **GRIDS,
    "variables in values": with_variables(),
    "overrides": {
        "overrides": [
            {"units": STORES[:3], "replicas": 4},
            {"units": STORES[2:4], "image": "img:{{unit.vars.tag}}"},
            {"units": STORES[6:8], "patch": {"template": {"spec": {"nodeSelector": {"disk": "{{unit.name}}"}}}}},
        ],
        "vars": {"tag": "7"},
        "unitVars": {STORES[3]: {"tag": "kiel"}},
    },
    "another image": {"template": a_template("img:2")},
}


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_plan_is_the_same_as_where_each_is_compared_by_itself(data):
    """Over grids before and after, overrides, variables, pins, and what others did to the children."""
    layers = st.sampled_from(sorted(LAYERS))
    before, spec = (a_grid(**copy.deepcopy(LAYERS[data.draw(layers)])) for _ in range(2))
    live = settled(before, STORES)
    few = data.draw(st.lists(st.sampled_from(sorted(EVERY)), max_size=2, unique=True))
    for number, each in enumerate(live):
        each["metadata"]["managedFields"][0]["time"] = TIMES[number % 2]
        if few and "nodeSelector" in pod(each):
            EVERY[few[data.draw(st.integers(0, 5)) % len(few)]](each)
    pins = st.sampled_from([Pinned(3, before), Pinned(4, spec), Pinned(AS_IT_IS, None)])
    told = {
        "pinned": data.draw(st.dictionaries(st.sampled_from(STORES), pins, max_size=3)),
        "attempts": dict.fromkeys(data.draw(st.sets(st.sampled_from(STORES), max_size=2)), CONTESTED),
        "carried_out": data.draw(st.booleans()),
    }
    units = sorted(data.draw(st.just(STORES) | st.sets(st.sampled_from(STORES), min_size=6)))
    quick = plan(spec, a_world(units, read(live), **told))
    with pytest.MonkeyPatch.context() as patched:
        plain = by_itself(patched, spec, a_world(units, copy.deepcopy(live), **told))
    assert quick == plain
    assert plan_id(quick.steps) == plan_id(plain.steps)


def test_the_manager_that_came_last_is_named_for_each_of_one_shape():
    spec = a_grid()
    live = settled(spec, STORES)
    for number, each in enumerate(live):
        by_two(each, *(TIMES if number % 2 else reversed(TIMES)))
    found = read(live)
    assert len({each.shape for each in found[1:]}) == 1
    made = plan(spec, a_world(STORES, found, carried_out=True))
    assert [step.changes[0].by for step in made.steps] == ["kubectl", "flux"] * 6
