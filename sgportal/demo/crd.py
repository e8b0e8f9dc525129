"""Custom resources: pruning, defaulting and validation by structural schema (apiextensions.k8s.io/v1)."""

import re
from collections.abc import Iterator
from typing import Any

from .errors import cause
from .values import Object, copy, now


def schema_of(crd: Object) -> Object:
    """The schema of the served version."""
    version = next(each for each in crd["spec"]["versions"] if each.get("served"))
    schema: Object = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    return schema


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


def crd_problems(crd: Object) -> list[dict[str, str]]:
    """The causes for refusing a definition."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    found = [
        cause(f"spec.{field}", "Required value", "FieldValueRequired")
        for field in ("group", "names", "scope", "versions")
        if not spec.get(field)
    ]
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if not found and crd["metadata"].get("name") != wanted:
        found.append(
            cause("metadata.name", f'Invalid value: must be spec.names.plural+"."+spec.group, that is {wanted}')
        )
    found += [
        cause(f"spec.names.{name}", "Required value", "FieldValueRequired")
        for name in ("plural", "kind")
        if names and not names.get(name)
    ]
    if spec.get("versions") and not any(each.get("served") for each in spec["versions"]):
        found.append(cause("spec.versions", "Invalid value: must have at least one version that is served"))
    for index, version in enumerate(spec.get("versions") or ()):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            found.append(
                cause(f"spec.versions[{index}].schema.openAPIV3Schema", "Required value", "FieldValueRequired")
            )
    return found


def fill(value: Any, schema: Object) -> None:
    """Set the defaults of the schema, in place."""
    if isinstance(value, dict):
        for key, inner in (schema.get("properties") or {}).items():
            if key not in value and "default" in inner:
                value[key] = copy(inner["default"])
            if key in value:
                fill(value[key], inner)
    elif isinstance(value, list):
        for each in value:
            fill(each, schema.get("items") or {})


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def validate(value: Any, schema: Object, path: str = "") -> Iterator[dict[str, str]]:
    """The causes for refusing a value."""
    if value is None and schema.get("nullable"):
        return
    wanted = schema.get("type")
    if wanted:
        good = isinstance(value, _TYPES[wanted]) and not (isinstance(value, bool) and wanted != "boolean")
        if not good and not (schema.get("x-kubernetes-int-or-string") and isinstance(value, int | str)):
            kind = next((name for name, types in _TYPES.items() if isinstance(value, types)), "null")
            yield cause(
                path or "<nil>",
                f'Invalid value: "{kind}": {path} in body must be of type {wanted}: "{kind}"',
                "FieldValueTypeInvalid",
            )
            return
    if "enum" in schema and value not in schema["enum"]:
        yield cause(
            path,
            f'Unsupported value: "{value}": supported values: {", ".join(map(repr, schema["enum"]))}',
            "FieldValueNotSupported",
        )
    yield from _limits(value, schema, path)
    if isinstance(value, dict):
        yield from _validate_fields(value, schema, path)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from validate(each, schema.get("items") or {}, f"{path}[{index}]")


def _limits(value: Any, schema: Object, path: str) -> Iterator[dict[str, str]]:
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield cause(
                path, f'Invalid value: "{value}": {path} in body should be at least {schema["minLength"]} chars long'
            )
        if len(value) > schema.get("maxLength", len(value)):
            yield cause(path, f"Too long: may not be more than {schema['maxLength']} bytes", "FieldValueTooLong")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield cause(path, f"Invalid value: \"{value}\": {path} in body should match '{schema['pattern']}'")
    elif (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and not schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield cause(path, f"Invalid value: {value}: {path} in body is out of range")


def _validate_fields(value: Object, schema: Object, path: str) -> Iterator[dict[str, str]]:
    for name in schema.get("required") or ():
        if name not in value:
            yield cause(f"{path}.{name}".lstrip("."), "Required value", "FieldValueRequired")
    known, more = schema.get("properties") or {}, schema.get("additionalProperties")
    for key, each in value.items():
        inner = known.get(key) or (more if isinstance(more, dict) else None)
        if inner:
            yield from validate(each, inner, f"{path}.{key}".lstrip("."))
