"""What is wrong with a grid's metadata and spec, each problem with its JSON pointer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..kubernetes_fields import FIELDS
from ..names import (
    MAX_CHILD_NAME,
    MAX_LABEL,
    UNIT,
    child_name,
    child_name_problem,
    front_name_problem,
    grid_name_problem,
    label_key_problem,
    label_value_problem,
    namespace_problem,
    object_name_problem,
)
from ..overrides.choice import placement_problems
from ..overrides.division import division_problems
from ..overrides.joining import join_problems
from ..overrides.orphans import orphan_problems
from ..overrides.requests import request_problems
from ..overrides.validation import shape_problems
from ..overrides.variables import usage_problems, variable_problems, variables_of
from ..ownership.ignored import ignored_problems
from ..rollouts.validation import rollout_problems
from ..schema import VARIABLE, check_fields, twice
from ..selector import matches, requirements
from ..text import REQUIRED, Problem, one_of, pointer, say, up_to
from ..traffic.closure import closure_problems
from ..traffic.front import front_of, front_problems, fronted_units
from .kinds import DEFAULT, GridKind

MOST_REPLICAS = 2**31 - 1  # an int32: server-side apply cuts a larger one in silence
_SERVICE_FIELDS = {
    "gridUniqKey": ("str", True),
    "template": ("ServiceSpec", True),
    "closure": ("any", False),
    "front": ("str", False),
    "ignoreDifferences": ("[any]", False),
}


def _workload_fields(template_type: str) -> dict[str, tuple[str, bool]]:
    return {
        "gridUniqKey": ("str", True),
        "template": (template_type, False),
        "templatePool": ("{" + template_type + "}", False),
        "templates": ("{str}", False),
        "defaultTemplateName": ("str", False),
        "autoDeleteUnusedTemplate": ("bool", False),
        "ignoreDifferences": ("[any]", False),
        "overrides": ("[any]", False),
        "placement": ("any", False),
        "vars": ("{str}", False),
        "unitVars": ("{{str}}", False),
        "totalReplicas": ("int", False),
        "division": ("any", False),
        "orphanPolicy": ("str", False),
        "deleteAfterSeconds": ("int", False),
        "rollout": ("any", False),
        "joinPolicy": ("str", False),
    }


def metadata_problems(kind: GridKind, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the metadata, whose shape is right."""
    name = metadata.get("name")
    if name is None:
        yield Problem("/metadata/name", REQUIRED)
    elif problem := object_name_problem(name, MAX_LABEL) or grid_name_problem(name, kind.child_kind):
        yield Problem("/metadata/name", problem)
    if metadata.get("namespace") and (problem := namespace_problem(metadata["namespace"])):
        yield Problem("/metadata/namespace", problem)
    yield from _labels_problems(metadata.get("labels"), "/metadata/labels")
    for key in metadata.get("annotations") or {}:
        if problem := label_key_problem(key):
            yield Problem("/metadata/annotations" + pointer(key), problem)
    yield from request_problems(metadata.get("annotations") or {})


def _labels_problems(labels: Mapping[str, Any] | None, where: str) -> Iterator[Problem]:
    for key, value in (labels or {}).items():
        if problem := label_key_problem(key) or label_value_problem(_with_examples(value)):
            yield Problem(where + pointer(key), problem)


def _with_examples(text: Any) -> Any:
    """A text with something in the place of its variables."""
    return VARIABLE.sub("x", text) if isinstance(text, str) and "{{" in text else text


def spec_problems(kind: GridKind, spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the spec, an object."""
    is_service = kind.child_kind == "Service"
    fields = _SERVICE_FIELDS if is_service else _workload_fields(kind.template_type)
    is_whole = True
    for each in check_fields(spec, fields, "/spec"):
        is_whole = False
        yield _moved(kind, each)
    key = spec.get("gridUniqKey")
    if isinstance(key, str) and (problem := label_key_problem(key)):
        yield Problem("/spec/gridUniqKey", problem)
    if not is_whole:
        return
    yield from ignored_problems(spec.get("ignoreDifferences") or (), kind.template_type)
    if is_service:
        yield from _service_problems(spec["template"])
        yield from closure_problems(spec.get("closure"), spec["template"])
        yield from front_problems(spec.get("front"), spec["template"])
    else:
        yield from _workload_problems(kind, spec)


def _moved(kind: GridKind, problem: Problem) -> Problem:
    """Where a field of the child's spec stands one level too high, say where it belongs."""
    name = problem.pointer.removeprefix("/spec/")
    if name in FIELDS[kind.template_type] and problem.code == "UnknownField":
        return Problem(problem.pointer, say("“%(field)s” belongs in spec.template", field=name))
    return problem


def _service_problems(template: Mapping[str, Any]) -> Iterator[Problem]:
    where = "/spec/template"
    yield from _labels_problems(template.get("selector"), where + "/selector")
    if not template.get("selector"):
        yield Problem(where + "/selector", say("is required: the labels of the pods that serve"))
    ports = template.get("ports") or []
    if not ports and template.get("clusterIP") != "None":
        yield Problem(where + "/ports", say("at least one port is required"))
    for index, port in enumerate(ports):
        place = where + pointer("ports", index)
        if not 1 <= port["port"] <= 65535:
            yield Problem(place + "/port", up_to(65535))
        if len(ports) > 1 and not port.get("name"):
            yield Problem(place + "/name", say("is required where there are several ports"))
    yield from _name_problems(ports, where + "/ports")


def _workload_problems(kind: GridKind, spec: Mapping[str, Any]) -> Iterator[Problem]:
    if spec.get("template") is None and not (spec.get("templatePool") and spec.get("defaultTemplateName")):
        yield Problem("/spec/template", REQUIRED)
    for name, template in (spec.get("templatePool") or {}).items():
        place = "/spec/templatePool" + pointer(name)
        if name == DEFAULT:
            yield Problem(place, say("“default” always means spec.template; give this template another name"))
        elif not isinstance(template, Mapping):
            yield Problem(place, REQUIRED)
        else:
            yield from template_problems(kind, template, place)
    for unit in spec.get("templates") or {}:
        if not unit or label_value_problem(unit):
            yield Problem("/spec/templates" + pointer(unit), label_value_problem(unit) or say("must name a NodeUnit"))
    if spec.get("template") is not None:
        yield from template_problems(kind, spec["template"], "/spec/template")
    yield from _difference_problems(kind, spec)


def _difference_problems(kind: GridKind, spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with what tells the children of one template apart."""
    yield from shape_problems(spec.get("overrides") or (), kind.template_type)
    if spec.get("placement") is not None:
        yield from placement_problems(spec["placement"])
    yield from division_problems(spec)
    yield from orphan_problems(spec)
    yield from join_problems(spec)
    yield from variable_problems(spec)
    if spec.get("rollout") is not None:
        yield from rollout_problems(spec["rollout"])
    for name in ("template", "templatePool", "overrides"):
        yield from usage_problems(spec.get(name), variables_of(spec), f"/spec/{name}")


def template_problems(kind: GridKind, template: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """What is wrong with a template whose types are right."""
    if (template.get("replicas") or 0) < 0:
        yield Problem(where + "/replicas", say("must not be negative"))
    if (template.get("replicas") or 0) > MOST_REPLICAS:
        yield Problem(where + "/replicas", say("must be at most %(limit)s", limit=MOST_REPLICAS))
    pod = template["template"]
    labels = (pod.get("metadata") or {}).get("labels") or {}
    yield from _labels_problems(labels, where + "/template/metadata/labels")
    if UNIT in labels:
        yield Problem(where + "/template/metadata/labels" + pointer(UNIT), say("is set by the portal; leave it out"))
    yield from _selector_problems(template["selector"], labels, where + "/selector")
    yield from _container_problems(pod.get("spec"), where + "/template/spec")
    for index, claim in enumerate(
        template.get("volumeClaimTemplates") or () if kind.child_kind == "StatefulSet" else ()
    ):
        if not (claim.get("metadata") or {}).get("name"):
            yield Problem(where + pointer("volumeClaimTemplates", index, "metadata", "name"), REQUIRED)


def _selector_problems(selector: Mapping[str, Any], labels: Mapping[str, str], where: str) -> Iterator[Problem]:
    for index, item in enumerate(selector.get("matchExpressions") or ()):
        if item["operator"] not in ("In", "NotIn", "Exists", "DoesNotExist"):
            yield Problem(
                where + pointer("matchExpressions", index, "operator"),
                one_of(("In", "NotIn", "Exists", "DoesNotExist")),
            )
            return
    wanted = requirements(selector)
    if any(each.key == UNIT for each in wanted):
        yield Problem(where, say("must not name “%(label)s”, which the portal sets", label=UNIT))
    if not wanted:
        yield Problem(where, say("is required: an empty selector would match every pod"))
    elif not matches(wanted, labels):
        yield Problem(
            where,
            say(
                "does not match the labels of the pod template (%(labels)s)",
                labels=", ".join(f"{k}={v}" for k, v in labels.items()) or "–",
            ),
        )


def _container_problems(pod: Mapping[str, Any] | None, where: str) -> Iterator[Problem]:
    """Containers without an image, and of one name with another: init containers share their names with containers."""
    pod = pod or {}
    if not pod.get("containers"):
        yield Problem(where + "/containers", say("at least one container is required"))
    first: dict[str, str] = {}
    for field in ("containers", "initContainers"):
        for index, container in enumerate(pod.get(field) or ()):
            place = where + pointer(field, index)
            if not container.get("image"):
                yield Problem(place + "/image", REQUIRED)
            if field == "initContainers" and container["name"] in first:
                yield Problem(place + "/name", twice(container["name"], first[container["name"]]))
            first.setdefault(container["name"], place + "/name")
            yield from _name_problems(container.get("ports") or (), place + "/ports")


def _name_problems(ports: Sequence[Mapping[str, Any]], where: str) -> Iterator[Problem]:
    """Ports of one name in one container or Service; a port need not have a name."""
    first: dict[str, str] = {}
    for index, port in enumerate(ports):
        name, place = port.get("name"), where + pointer(index, "name")
        if name in first:
            yield Problem(place, twice(name, first[name]))
        elif name:
            first[name] = place


def unit_problems(kind: GridKind, spec: Mapping[str, Any], name: str, units: Collection[str]) -> Iterator[Problem]:
    """Why no NodeUnit known now could have a child of a grid of this name; one that could is enough."""
    yield from (problems := list(_length_problems(kind, name, units)))
    if problems:
        return
    if kind.child_kind != "Service":
        found = [child_name_problem(name, kind.child_kind, unit) for unit in sorted(units)]
    else:
        fronted = fronted_units(front_of(spec.get("front")), units)
        found = [front_name_problem(name, unit) for unit in fronted]
    if found and all(found):
        where = "/spec/front" if kind.child_kind == "Service" else "/spec/gridUniqKey"
        yield from (Problem(where, each) for each in found[:1] if each)


def _length_problems(kind: GridKind, name: str, units: Collection[str]) -> Iterator[Problem]:
    limit = MAX_CHILD_NAME[kind.child_kind]
    suffixes = list(units) or ["x"]
    shortest = min((child_name("", kind.child_kind, unit) for unit in suffixes), key=len)
    if len(name) + len(shortest) > limit:
        sentence = say(
            "is too long: with “%(suffix)s” behind it the name of a %(kind)s would exceed %(limit)s characters; "
            "use at most %(room)s",
            suffix=shortest,
            kind=kind.child_kind,
            limit=limit,
            room=limit - len(shortest),
        )
        yield Problem("/metadata/name", sentence)
