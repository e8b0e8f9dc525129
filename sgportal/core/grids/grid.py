"""What a grid is: parsing and validating its manifest. This is the validation; every door calls it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kubernetes_fields import FIELDS
from ..names import (
    LAST_APPLIED,
    MAX_CHILD_NAME,
    MAX_LABEL,
    child_name,
    label_key_problem,
    label_value_problem,
    namespace_problem,
    object_name_problem,
)
from ..schema import check_fields, wrong_type
from ..selector import matches, requirements
from ..text import Invalid, Problem, pointer, say
from ..traffic.closure import Capabilities, Closure, closure_of, closure_problems, refusal
from .kinds import API_VERSION, DEFAULT, KINDS, GridKind

_MANIFEST_FIELDS = {
    "apiVersion": ("any", True),
    "kind": ("any", True),
    "metadata": ("ObjectMeta", True),
    "spec": ("any", True),
    "status": ("any", False),
}
_SERVICE_FIELDS = {
    "gridUniqKey": ("str", True),
    "template": ("ServiceSpec", True),
    "closure": ("any", False),
}


def _workload_fields(template_type: str) -> dict[str, tuple[str, bool]]:
    return {
        "gridUniqKey": ("str", True),
        "template": (template_type, False),
        "templatePool": ("{" + template_type + "}", False),
        "templates": ("{str}", False),
        "defaultTemplateName": ("str", False),
        "autoDeleteUnusedTemplate": ("bool", False),
    }


@dataclass(frozen=True, slots=True)
class GridSpec:
    """A valid grid. The dicts inside are the user's own and are never changed.

    `templates` maps a unit to a template's name; "" and "default" mean `template`. `closure` is None where the manifest
    leaves the choice to us.
    """

    kind: GridKind
    namespace: str
    name: str
    key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Any] | None = None
    pool: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    default_template: str = DEFAULT
    auto_delete: bool = False
    closure: Closure | None = None

    def template_name(self, unit: str) -> str:
        """The name of the template a unit uses; `default` is `spec.template` (SuperEdge's lookup rule)."""
        return self.templates.get(unit, self.default_template) or DEFAULT

    def template_of(self, unit: str) -> Mapping[str, Any] | None:
        """The child spec a unit uses, or None where the name leads nowhere."""
        name = self.template_name(unit)
        return self.template if name == DEFAULT else self.pool.get(name)

    def unused_templates(self) -> tuple[str, ...]:
        """Pool entries that neither a unit nor the default refers to."""
        used = {*self.templates.values(), self.default_template}
        return tuple(sorted(name for name in self.pool if name not in used))

    def path(self) -> str:
        """`<plural>/<namespace>/<name>`, the grid's place in URLs and work keys."""
        return f"{self.kind.plural}/{self.namespace}/{self.name}"


def parse(manifest: Any, units: Collection[str] = (), can: Capabilities | None = None) -> GridSpec:
    """The grid a manifest describes, as `kubectl apply` takes it.

    `units` are the NodeUnits known now: a name too long for every one of them is refused. `can` is what the cluster can
    keep: a closure beyond it is refused (None: nobody asks).
    Raises Invalid with every problem found, each with its JSON pointer.
    """
    if not isinstance(manifest, Mapping):
        raise Invalid(wrong_type(manifest, "an object", ""))
    kind = KINDS.get(str(manifest.get("kind")))
    problems = list(_header_problems(manifest, kind))
    if kind is None or problems:
        raise Invalid(*problems)
    spec = manifest["spec"]
    problems = [*_metadata_problems(manifest["metadata"]), *_spec_problems(kind, spec)]
    if not problems:
        problems = list(_length_problems(kind, manifest["metadata"]["name"], units))
    if problems:
        raise Invalid(*problems)
    found = _build(kind, manifest["metadata"], spec)
    if can and (reason := refusal(found.closure, can)):
        raise Invalid(Problem("/spec/closure/mode", reason))
    return found


def source_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a manifest's metadata that people write and we keep, without kubectl's own book-keeping."""
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    found = {"labels": dict(metadata.get("labels") or {}), "annotations": annotations}
    return {key: value for key, value in found.items() if value}


def _build(kind: GridKind, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> GridSpec:
    return GridSpec(
        kind=kind,
        namespace=metadata.get("namespace") or DEFAULT,
        name=metadata["name"],
        key=spec["gridUniqKey"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        template=spec.get("template"),
        pool=spec.get("templatePool") or {},
        templates=spec.get("templates") or {},
        default_template=spec.get("defaultTemplateName") or DEFAULT,
        auto_delete=bool(spec.get("autoDeleteUnusedTemplate")),
        closure=closure_of(spec.get("closure")),
    )


def _header_problems(manifest: Mapping[str, Any], kind: GridKind | None) -> Iterator[Problem]:
    if manifest.get("apiVersion") != API_VERSION:
        yield Problem("/apiVersion", say("must be “%(wanted)s”", wanted=API_VERSION))
    if kind is None:
        yield Problem("/kind", say("must be one of %(kinds)s", kinds=", ".join(KINDS)))
    yield from check_fields(manifest, _MANIFEST_FIELDS, "")
    if manifest.get("spec") is not None and not isinstance(manifest["spec"], Mapping):
        yield wrong_type(manifest["spec"], "an object", "/spec")


def _metadata_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    name = metadata.get("name")
    if name is None:
        yield Problem("/metadata/name", say("is required"))
    elif problem := object_name_problem(name, MAX_LABEL):
        yield Problem("/metadata/name", problem)
    if metadata.get("namespace") and (problem := namespace_problem(metadata["namespace"])):
        yield Problem("/metadata/namespace", problem)
    yield from _labels_problems(metadata.get("labels"), "/metadata/labels")
    for key in metadata.get("annotations") or {}:
        if problem := label_key_problem(key):
            yield Problem("/metadata/annotations" + pointer(key), problem)


def _labels_problems(labels: Mapping[str, Any] | None, where: str) -> Iterator[Problem]:
    for key, value in (labels or {}).items():
        if problem := label_key_problem(key) or label_value_problem(value):
            yield Problem(where + pointer(key), problem)


def _spec_problems(kind: GridKind, spec: Mapping[str, Any]) -> Iterator[Problem]:
    is_service = kind.child_kind == "Service"
    fields = _SERVICE_FIELDS if is_service else _workload_fields(kind.template_type)
    shape = [_moved(kind, each) for each in check_fields(spec, fields, "/spec")]
    yield from shape
    key = spec.get("gridUniqKey")
    if isinstance(key, str) and (problem := label_key_problem(key)):
        yield Problem("/spec/gridUniqKey", problem)
    if shape:
        return
    if is_service:
        yield from _service_problems(spec["template"])
        yield from closure_problems(spec.get("closure"), spec["template"])
    else:
        yield from _workload_problems(kind, spec)


def _moved(kind: GridKind, problem: Problem) -> Problem:
    """Where a field of the child's spec stands one level too high, say where it belongs."""
    name = problem.pointer.removeprefix("/spec/")
    if name in FIELDS[kind.template_type] and problem.sentence.msgid.startswith("unknown field"):
        return Problem(problem.pointer, say("“%(field)s” belongs into spec.template", field=name))
    return problem


def _service_problems(template: Mapping[str, Any]) -> Iterator[Problem]:
    where = "/spec/template"
    yield from _labels_problems(template.get("selector"), where + "/selector")
    if not template.get("selector"):
        yield Problem(where + "/selector", say("is required: the labels of the pods that serve"))
    ports = template.get("ports") or []
    if not ports and template.get("clusterIP") != "None":
        yield Problem(where + "/ports", say("at least one port is required"))
    names = [port.get("name") for port in ports]
    for index, port in enumerate(ports):
        place = where + pointer("ports", index)
        if not 1 <= port["port"] <= 65535:
            yield Problem(place + "/port", say("must be between 1 and 65535"))
        if len(ports) > 1 and not port.get("name"):
            yield Problem(place + "/name", say("is required where there are several ports"))
        elif port.get("name") and names.index(port["name"]) != index:
            yield Problem(place + "/name", say("“%(name)s” stands twice", name=port["name"]))


def _workload_problems(kind: GridKind, spec: Mapping[str, Any]) -> Iterator[Problem]:
    if spec.get("template") is None and not (spec.get("templatePool") and spec.get("defaultTemplateName")):
        yield Problem("/spec/template", say("is required"))
    for name, template in (spec.get("templatePool") or {}).items():
        place = "/spec/templatePool" + pointer(name)
        if name == DEFAULT:
            yield Problem(place, say("“default” always means spec.template; give this template another name"))
        elif not isinstance(template, Mapping):
            yield Problem(place, say("is required"))
        else:
            yield from _template_problems(kind, template, place)
    for unit in spec.get("templates") or {}:
        if not unit or label_value_problem(unit):
            yield Problem("/spec/templates" + pointer(unit), label_value_problem(unit) or say("must name a NodeUnit"))
    if spec.get("template") is not None:
        yield from _template_problems(kind, spec["template"], "/spec/template")


def _template_problems(kind: GridKind, template: Mapping[str, Any], where: str) -> Iterator[Problem]:
    if (template.get("replicas") or 0) < 0:
        yield Problem(where + "/replicas", say("must not be negative"))
    pod = template["template"]
    labels = (pod.get("metadata") or {}).get("labels") or {}
    yield from _labels_problems(labels, where + "/template/metadata/labels")
    yield from _selector_problems(template["selector"], labels, where + "/selector")
    yield from _container_problems(pod.get("spec"), where + "/template/spec")
    for index, claim in enumerate(
        template.get("volumeClaimTemplates") or () if kind.child_kind == "StatefulSet" else ()
    ):
        if not (claim.get("metadata") or {}).get("name"):
            yield Problem(where + pointer("volumeClaimTemplates", index, "metadata", "name"), say("is required"))


def _selector_problems(selector: Mapping[str, Any], labels: Mapping[str, str], where: str) -> Iterator[Problem]:
    for index, item in enumerate(selector.get("matchExpressions") or ()):
        if item["operator"] not in ("In", "NotIn", "Exists", "DoesNotExist"):
            yield Problem(
                where + pointer("matchExpressions", index, "operator"),
                say("must be one of %(kinds)s", kinds="In, NotIn, Exists, DoesNotExist"),
            )
            return
    wanted = requirements(selector)
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
    containers = (pod or {}).get("containers") or ()
    if not containers:
        yield Problem(where + "/containers", say("at least one container is required"))
    names: set[str] = set()
    for index, container in enumerate(containers):
        place = where + pointer("containers", index)
        if not container.get("image"):
            yield Problem(place + "/image", say("is required"))
        if container["name"] in names:
            yield Problem(place + "/name", say("“%(name)s” stands twice", name=container["name"]))
        names.add(container["name"])


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
