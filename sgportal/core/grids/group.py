"""What a ServiceGroup is: a manifest that packages grids of one NodeGroup and namespace."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..names import MAX_LABEL, OWN_GROUP, label_key_problem, namespace_problem, object_name_problem
from ..overrides.requests import request_problems
from ..rollouts.validation import package_problems, rollout_problems
from ..schema import check_fields, wrong_type
from ..text import REQUIRED, Invalid, Problem, first_of, must_be, one_of, pointer, say
from .kinds import API_VERSION, DEFAULT, KINDS
from .members import completed
from .order import order_problems

KIND = "ServiceGroup"
PLURAL = "servicegroups"
GROUP_VERSION = f"{OWN_GROUP}/v1"
VERSIONS = (GROUP_VERSION, API_VERSION)  # the second as REST has always taken it
_FIELDS = {
    "apiVersion": ("any", True),
    "kind": ("any", True),
    "metadata": ("ObjectMeta", True),
    "spec": ("any", True),
    "status": ("any", False),
}
_SPEC_FIELDS = {
    "gridUniqKey": ("str", True),
    "grids": ("[any]", True),
    "paused": ("bool", False),
    "rollout": ("any", False),
    "dependsOn": ("{any}", False),
}


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A valid package. `grids` are the manifests of its members, completed with the package's key and namespace; each
    is still to be validated as a grid."""

    namespace: str
    name: str
    key: str
    grids: tuple[Mapping[str, Any], ...]

    def path(self) -> str:
        """`servicegroups/<namespace>/<name>`."""
        return f"servicegroups/{self.namespace}/{self.name}"


def parse_group(manifest: Any) -> GroupSpec:
    """The package a manifest describes: `{apiVersion, kind: ServiceGroup, metadata, spec: {gridUniqKey, grids}}`, each
    grid a manifest whose apiVersion, namespace and gridUniqKey may be left out. `spec.paused`, `spec.rollout` and
    `spec.dependsOn` are for all members (`members.completed`).

    Raises Invalid with every problem found, each with its JSON pointer.
    """
    if not isinstance(manifest, Mapping):
        raise Invalid(wrong_type(manifest, "an object", ""))
    problems = first_of(_header_problems(manifest))
    if not problems:
        problems = first_of(_spec_problems(manifest["metadata"], manifest["spec"]))
    if problems:
        raise Invalid(*problems)
    metadata, spec = manifest["metadata"], manifest["spec"]
    namespace = metadata.get("namespace") or DEFAULT
    grids = tuple(completed(each, namespace, spec) for each in spec["grids"])
    return GroupSpec(namespace, metadata["name"], spec["gridUniqKey"], grids)


def by_member(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a package with its members by `<plural>/<name>` in the place of a list, for comparing."""
    members = {f"{KINDS[each['kind']].plural}/{each['metadata']['name']}": each for each in spec.get("grids") or ()}
    return {**spec, "grids": members}


def _header_problems(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    if manifest.get("apiVersion") not in VERSIONS:
        yield Problem("/apiVersion", must_be(GROUP_VERSION))
    if manifest.get("kind") != KIND:
        yield Problem("/kind", must_be(KIND))
    yield from check_fields(manifest, _FIELDS, "")
    if manifest.get("spec") is not None:
        yield from check_fields(manifest["spec"], _SPEC_FIELDS, "/spec")


def _spec_problems(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    name = metadata.get("name")
    if problem := REQUIRED if name is None else object_name_problem(name, MAX_LABEL):
        yield Problem("/metadata/name", problem)
    if metadata.get("namespace") and (problem := namespace_problem(metadata["namespace"])):
        yield Problem("/metadata/namespace", problem)
    if problem := label_key_problem(spec["gridUniqKey"]):
        yield Problem("/spec/gridUniqKey", problem)
    yield from request_problems(metadata.get("annotations") or {})
    for index, member in enumerate(spec["grids"]):
        yield from _member_problems(member, metadata, spec["gridUniqKey"], "/spec" + pointer("grids", index))
    if spec.get("rollout") is not None:
        yield from rollout_problems(spec["rollout"])
        yield from package_problems(spec["rollout"])
    yield from order_problems(spec)


def _member_problems(member: Any, metadata: Mapping[str, Any], key: str, where: str) -> Iterator[Problem]:
    if not isinstance(member, Mapping):
        yield wrong_type(member, "an object", where)
        return
    if member.get("kind") not in list(KINDS):
        yield Problem(where + "/kind", one_of(KINDS))
    own = member.get("metadata")
    if not isinstance(own, Mapping) or not isinstance(own.get("name"), str):
        yield Problem(where + "/metadata/name", REQUIRED)
    elif own.get("namespace") not in (None, metadata.get("namespace") or DEFAULT):
        yield Problem(where + "/metadata/namespace", say("must be the ServiceGroup's namespace or unset"))
    inner = member.get("spec")
    if not isinstance(inner, Mapping):
        yield wrong_type(inner, "an object", where + "/spec")
    elif inner.get("gridUniqKey") not in (None, key):
        yield Problem(where + "/spec/gridUniqKey", say("must be the ServiceGroup's gridUniqKey or unset"))
