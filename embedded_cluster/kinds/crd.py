"""CustomResourceDefinitions (apiextensions.k8s.io/v1): what is filled in, what is refused, what is served."""

from collections.abc import Iterator
from typing import Any

from ..objects.errors import cause, required
from ..objects.formats import one_of
from ..objects.values import Object, now


def version_of(crd: Object) -> Object:
    """The version that is served: the first one that says so."""
    version: Object = next(each for each in crd["spec"]["versions"] if each.get("served"))
    return version


def schema_of(crd: Object) -> Object:
    """The schema of the served version."""
    schema: Object = (version_of(crd).get("schema") or {}).get("openAPIV3Schema") or {}
    return schema


def set_defaults(crd: Object) -> None:
    """Fill in what a definition leaves out, in place."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    if names.get("kind"):
        spec["names"] = {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List", **names}
    spec.setdefault("conversion", {"strategy": "None"})


def established(crd: Object) -> Object:
    """The definition with the status it has once its kind is served."""
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()}
        for kind, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]
    stored = [each["name"] for each in crd["spec"]["versions"] if each.get("storage")]
    return {
        **crd,
        "status": {"conditions": conditions, "acceptedNames": crd["spec"]["names"], "storedVersions": stored},
    }


def crd_problems(crd: Object, before: Object | None) -> list[dict[str, str]]:
    """The causes for refusing a definition; `before` is what it was."""
    spec = crd.get("spec") or {}
    found = [*_missing(spec), *_versions(spec.get("versions") or [])]
    found += one_of(spec.get("scope"), "spec.scope", "Cluster", "Namespaced")
    names = spec.get("names") or {}
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if names.get("plural") and spec.get("group") and crd["metadata"].get("name") != wanted:
        words = f'Invalid value: must be spec.names.plural+"."+spec.group, that is {wanted}'
        found.append(cause("metadata.name", words))
    return [*found, *_frozen(spec, (before or {}).get("spec"))]


def _missing(spec: Object) -> Iterator[dict[str, str]]:
    for field in ("group", "scope"):
        if not spec.get(field):
            yield required(f"spec.{field}")
    for name in ("plural", "singular", "kind", "listKind"):
        if not (spec.get("names") or {}).get(name):
            yield required(f"spec.names.{name}")


def _versions(versions: list[Any]) -> Iterator[dict[str, str]]:
    if sum(bool(each.get("storage")) for each in versions) != 1:
        yield cause("spec.versions", "Invalid value: must have exactly one version marked as storage version")
    elif not any(each.get("served") for each in versions):
        yield cause("spec.versions", "Invalid value: must have at least one version that is served")
    for index, version in enumerate(versions):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema")
        elif not schema.get("type"):
            # Named as if there were one schema for all versions: so it is where all are the same.
            place = "spec.validation" if len(versions) == 1 else f"spec.versions[{index}].schema"
            words = "Required value: must not be empty at the root"
            yield cause(f"{place}.openAPIV3Schema.type", words, "FieldValueRequired")


def _frozen(spec: Object, before: Object | None) -> Iterator[dict[str, str]]:
    """Once established, a definition keeps its scope, its group and its kind."""
    if before is None:
        return
    pairs = [(f"spec.{name}", spec.get(name), before.get(name)) for name in ("group", "scope")]
    kinds = ((spec.get("names") or {}).get("kind"), (before.get("names") or {}).get("kind"))
    for field, new, old in [*pairs, ("spec.names.kind", *kinds)]:
        if new and new != old:
            yield cause(field, f'Invalid value: "{new}": field is immutable')
