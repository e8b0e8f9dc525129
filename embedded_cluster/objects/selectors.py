"""Label and field selectors (kubernetes.io/docs "Labels and Selectors", "Field Selectors")."""

import re
from collections.abc import Callable
from typing import Any

from .errors import ApiError
from .values import Object, labels_of

Test = Callable[[Object], bool]
_NAME = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def label_test(text: str) -> Test:
    """A test of an object's labels for a selector's text. Raises 400 for anything outside the grammar."""
    tests = [_label_requirement(part.strip()) for part in _parts(text)] if text.strip() else []
    return lambda body: all(test(labels_of(body)) for test in tests)


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no parentheses."""
    parts, begin, inside = [], 0, False
    for found in re.finditer("[(),]", text):
        if found[0] != ",":
            inside = found[0] == "("
        elif not inside:
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]


def _label_requirement(part: str) -> Callable[[dict[str, str]], bool]:
    if found := re.fullmatch(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)", part):
        key, values = found[1], {value.strip() for value in found[3].split(",")}
        _check(key, *values)
        inside = found[2] == "in"
        return lambda labels: (labels.get(key) in values) == inside
    if found := re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)", part):
        key, value, same = found[1], found[3], found[2] != "!="
        _check(key, value)
        return lambda labels: (labels.get(key) == value) == same
    if found := re.fullmatch(r"(!?)\s*([^=!\s()]+)", part):
        key, wanted = found[2], not found[1]
        _check(key)
        return lambda labels: (key in labels) == wanted
    raise ApiError(400, f"unable to parse requirement: {part!r}")


def _check(key: str, *values: str) -> None:
    name = key.rpartition("/")[2]
    if not name or not _NAME.fullmatch(name) or len(name) > 63:
        raise ApiError(400, f"unable to parse requirement: invalid label key {key!r}")
    for value in values:
        if not _NAME.fullmatch(value) or len(value) > 63:
            raise ApiError(400, f"unable to parse requirement: invalid label value {value!r}")


_FIELDS = {
    "": ("metadata.name", "metadata.namespace"),
    "Pod": ("spec.nodeName", "status.phase", "spec.restartPolicy", "status.podIP"),
    "Node": ("spec.unschedulable",),
    "Event": (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "type",
        "source", "reportingComponent",
    ),
}  # fmt: skip


def field_test(text: str, kind: str) -> Test:
    """A test of an object's fields. Raises 400 for a field that the kind does not support."""
    tests = [_field_requirement(part.strip(), kind) for part in text.split(",") if part.strip()]
    return lambda body: all(test(body) for test in tests)


def _field_requirement(part: str, kind: str) -> Test:
    found = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", part)
    if not found:
        raise ApiError(400, f"invalid field selector {part!r}")
    path, same, value = found[1], found[2] != "!=", found[3]
    if path not in _FIELDS[""] + _FIELDS.get(kind, ()):
        raise ApiError(400, f"field label not supported: {path}")
    return lambda body: (_text(_at(body, path)) == value) == same


def _at(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return body


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def selector_test(selector: Object | None) -> Callable[[dict[str, str]], bool]:
    """A test of labels for a LabelSelector object; one without requirements matches nothing."""
    selector = selector or {}
    equal = selector.get("matchLabels") or {}
    sets = selector.get("matchExpressions") or []

    def test(labels: dict[str, str]) -> bool:
        if any(labels.get(key) != value for key, value in equal.items()):
            return False
        return all(_expression(each, labels) for each in sets)

    return test if equal or sets else lambda _: False


def _expression(each: Object, labels: dict[str, str]) -> bool:
    key, values = each["key"], each.get("values") or ()
    match each["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
