"""Lists that the API server merges by key: two entries of one identity are refused, wherever the list stands."""

import copy
import re

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.grids.kinds import KINDS
from sgportal.core.kubernetes_fields import FIELDS, LIST_KEYS
from sgportal.core.text import Invalid

from ..builders import a_manifest, a_service, a_template

POD = "/spec/template/template/spec"


def problems(manifest):
    with pytest.raises(Invalid) as caught:
        parse(manifest)
    return {problem.pointer: str(problem.sentence) for problem in caught.value.problems}


def with_container(**fields):
    return a_manifest(template=a_template(containers=[{"name": "c", "image": "img:1", **fields}]))


def with_pod(**fields):
    return a_manifest(template=a_template(**fields))


CASES = [
    (
        with_container(ports=[{"name": "http", "containerPort": 80}, {"name": "metrics", "containerPort": 80}]),
        f"{POD}/containers/0/ports/1",
        f"duplicate entry “containerPort: 80, protocol: TCP”, first at {POD}/containers/0/ports/0; this list takes one "
        "entry per containerPort + protocol",
    ),
    (
        with_container(ports=[{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 8}, {"containerPort": 80}]),
        f"{POD}/containers/0/ports/2",
        f"first at {POD}/containers/0/ports/0",
    ),
    (
        with_container(ports=[{"containerPort": 80, "protocol": None}, {"containerPort": 80}]),
        f"{POD}/containers/0/ports/1",
        "",
    ),
    (with_container(env=[{"name": "A"}, {"name": "A", "value": "2"}]), f"{POD}/containers/0/env/1", "“name: A”"),
    (
        with_container(volumeMounts=[{"name": "a", "mountPath": "/d"}, {"name": "b", "mountPath": "/d"}]),
        f"{POD}/containers/0/volumeMounts/1",
        "“mountPath: /d”",
    ),
    (
        with_container(volumeDevices=[{"name": "a", "devicePath": "/d"}, {"name": "b", "devicePath": "/d"}]),
        f"{POD}/containers/0/volumeDevices/1",
        "“devicePath: /d”",
    ),
    (
        with_container(resources={"claims": [{"name": "gpu", "request": "a"}, {"name": "gpu", "request": "b"}]}),
        f"{POD}/containers/0/resources/claims/1",
        "“name: gpu”",
    ),
    (
        with_container(
            restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "In", "values": [1, 2, 1]}}]
        ),
        f"{POD}/containers/0/restartPolicyRules/0/exitCodes/values/2",
        f"duplicate “1”, first at {POD}/containers/0/restartPolicyRules/0/exitCodes/values/0",
    ),
    (
        with_pod(containers=[{"name": "c", "image": "a"}, {"name": "c", "image": "b"}]),
        f"{POD}/containers/1",
        "“name: c”",
    ),
    (
        with_pod(initContainers=[{"name": "i", "image": "a"}, {"name": "i", "image": "b"}]),
        f"{POD}/initContainers/1",
        "“name: i”",
    ),
    (with_pod(volumes=[{"name": "v"}, {"name": "v", "emptyDir": {}}]), f"{POD}/volumes/1", "“name: v”"),
    (with_pod(imagePullSecrets=[{"name": "s"}, {"name": "s"}]), f"{POD}/imagePullSecrets/1", "“name: s”"),
    (with_pod(imagePullSecrets=[{}, {"name": ""}]), f"{POD}/imagePullSecrets/1", "duplicate entry “name: ”"),
    (with_pod(hostAliases=[{"ip": "1.2.3.4"}, {"ip": "1.2.3.4"}]), f"{POD}/hostAliases/1", "“ip: 1.2.3.4”"),
    (with_pod(resourceClaims=[{"name": "r"}, {"name": "r"}]), f"{POD}/resourceClaims/1", "“name: r”"),
    (with_pod(schedulingGates=[{"name": "r"}, {"name": "r"}]), f"{POD}/schedulingGates/1", "“name: r”"),
    (
        with_pod(
            topologySpreadConstraints=[
                {"maxSkew": skew, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"} for skew in (1, 2)
            ]
        ),
        f"{POD}/topologySpreadConstraints/1",
        "one entry per topologyKey + whenUnsatisfiable",
    ),
    (
        a_service(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "TCP"}]),
        "/spec/template/ports/1",
        "duplicate entry “port: 80, protocol: TCP”, first at /spec/template/ports/0",
    ),
    (
        a_manifest(templatePool={"x/y": a_template(volumes=[{"name": "v"}, {"name": "v"}])}),
        "/spec/templatePool/x~1y/template/spec/volumes/1",
        "first at /spec/templatePool/x~1y/template/spec/volumes/0",
    ),
]


@pytest.mark.parametrize(("manifest", "pointer", "sentence"), CASES, ids=[f"{n}{c[1]}" for n, c in enumerate(CASES)])
def test_a_double_is_refused_and_both_places_are_named(manifest, pointer, sentence):
    found = problems(manifest)
    assert list(found) == [pointer]
    assert sentence in found[pointer]


@pytest.mark.parametrize(
    "manifest",
    [
        with_container(ports=[{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]),
        with_container(envFrom=[{"configMapRef": {"name": "a"}}] * 2),
        with_pod(tolerations=[{"key": "a", "operator": "Exists"}] * 2),
        with_pod(
            topologySpreadConstraints=[
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": how}
                for how in ("DoNotSchedule", "ScheduleAnyway")
            ]
        ),
        a_service(ports=[{"name": "a", "port": 53}, {"name": "b", "port": 53, "protocol": "UDP"}]),
    ],
)
def test_what_is_not_merged_by_key_or_differs_in_one_may_stand_twice(manifest):
    assert parse(manifest)


def test_names_of_containers_and_of_their_ports_stand_once():
    manifest = with_pod(initContainers=[{"name": "c", "image": "a"}])
    assert problems(manifest) == {f"{POD}/initContainers/0/name": f"duplicate “c”, first at {POD}/containers/0/name"}
    manifest = with_container(ports=[{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}])
    assert problems(manifest) == {
        f"{POD}/containers/0/ports/1/name": f"duplicate “a”, first at {POD}/containers/0/ports/0/name"
    }


def places(type_name, path=()):
    """The way from a type to every merged list within, each type entered once on a way."""
    for field, (inner, _) in FIELDS[type_name].items():
        bare = inner.strip("[]{}")
        step = (field, inner[0] if inner[0] in "[{" else "")
        if field in LIST_KEYS.get(type_name, {}):
            yield [*path, step], type_name, field
        if bare in FIELDS and bare not in [each[2] for each in path if len(each) > 2]:
            yield from places(bare, (*path, (*step, bare)))


def value_of(type_name, field):
    """Two entries of one identity for a merged list, with whatever else an entry must have."""
    inner = FIELDS[type_name][field][0].strip("[]")
    keys = LIST_KEYS[type_name][field]
    entry = 1 if inner == "int" else "x" if inner == "str" else least(inner)
    if keys:
        entry |= {key: 1 if FIELDS[inner][key][0] == "int" else "x" for key, _ in keys}
    return [entry, copy.deepcopy(entry)]


def least(type_name):
    """A value with the fields that are required."""
    simple = {"int": 1, "str": "x", "bool": True, "any": "x", "quantity": "1", "float": 1.0}
    if type_name in simple:
        return simple[type_name]
    if type_name[0] in "[{":
        return [] if type_name[0] == "[" else {}
    return {field: least(inner) for field, (inner, required) in FIELDS[type_name].items() if required}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_merged_list_of_a_spec_refuses_a_double_wherever_it_is(kind):
    """By the API server's own description: nothing here is listed by hand."""
    for path, type_name, field in places(kind.template_type):
        doubles = value_of(type_name, field)
        value = doubles
        where = ""
        for step in reversed(path):
            where = f"/{step[0]}" + ("" if step is path[-1] else {"[": "/0", "{": "/k", "": ""}[step[1]]) + where
            inner = step[2] if len(step) > 2 else None
            if step is not path[-1]:
                value = {**least(inner), **value}
                value = [value] if step[1] == "[" else {"k": value} if step[1] == "{" else value
            value = {step[0]: value}
        manifest = a_manifest(kind=kind.kind)
        manifest["spec"]["template"] = {**least(kind.template_type), **value}
        found = problems(manifest)
        pointer = f"/spec/template{where}/1"
        assert ", first at" in found.get(pointer, ""), (pointer, found)


@pytest.mark.parametrize("field", ["containers", "initContainers", "volumes", "imagePullSecrets", "tolerations"])
def test_an_entry_that_is_null_is_refused(field):
    found = problems(with_pod(**{field: [*({"containers": [{"name": "c", "image": "i"}]}.get(field, [])), None]}))
    [(pointer, sentence)] = found.items()
    assert re.fullmatch(rf"{POD}/{field}/\d", pointer)
    assert sentence == "must not be null; remove the entry"


def test_hostile_keys_do_not_break_the_search_for_doubles():
    ports = [{"containerPort": [1]}, {"containerPort": {}}, {"containerPort": True}, {}, "x", 1, None]
    assert len(problems(with_container(ports=ports))) == len(ports)
