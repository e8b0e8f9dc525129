"""Sets of fields, as `metadata.managedFields` holds them (FieldsV1, Kubernetes "Server-Side Apply").

A field is a path of steps: `f:<name>`, `k:<keys of a list entry as JSON>`, `v:<scalar of a set as JSON>`. A path that
ends in a `k:` step means the entry itself (written as "." in FieldsV1).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from ..kinds.shapes import Shape
from ..objects.values import Object

Path = tuple[str, ...]
_NOT_OWNED = {
    ("f:apiVersion",),
    ("f:kind",),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
            "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds",
        )
    ),
}  # fmt: skip


def field_set(body: Object, shape: Shape) -> set[Path]:
    """The fields an object has, without those nobody owns (identity, server's own metadata)."""
    return {path for path in _walk(body, (), shape) if path[:2] not in _NOT_OWNED and path[:1] not in _NOT_OWNED}


def _walk(value: Any, path: Path, shape: Shape) -> Iterator[Path]:
    if isinstance(value, dict) and value and not shape.atomic:
        for key, each in value.items():
            yield from _walk(each, (*path, f"f:{key}"), shape.of(key))
    elif isinstance(value, list) and value and shape.keys and all(isinstance(each, dict) for each in value):
        for each in value:
            step = (*path, key_step(each, shape.keys))
            yield step
            yield from _walk(each, step, shape.entry())
    elif isinstance(value, list) and value and shape.is_set:
        yield from ((*path, "v:" + orjson.dumps(each).decode()) for each in value)
    elif path:
        yield path


def key_step(entry: Object, keys: tuple[str, ...]) -> str:
    """The `k:` step that names an entry of a list."""
    named = {key: entry.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + orjson.dumps({k: v for k, v in named.items() if v is not None}, option=orjson.OPT_SORT_KEYS).decode()


def to_v1(paths: Iterable[Path]) -> Object:
    """FieldsV1 of a set of fields."""
    root: Object = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
        if path[-1].startswith("k:"):
            node["."] = {}
    return root


def from_v1(fields: Object) -> set[Path]:
    """The set of fields that FieldsV1 stands for."""
    found: set[Path] = set()

    def visit(node: Object, path: Path) -> None:
        inner = {step: each for step, each in node.items() if step != "."}
        if path and ("." in node or not inner):
            found.add(path)
        for step, each in inner.items():
            visit(each, (*path, step))

    visit(fields, ())
    return found


def with_structs(paths: Iterable[Path], shape: Shape) -> set[Path]:
    """A set of fields with every declared field around one of them (structured-merge-diff's
    `EnsureNamedFieldsAreMembers`); the keys of a free map and the entries of a list are not added."""
    found = set(paths)
    for path in tuple(found):
        inner = shape
        for end, step in enumerate(path, 1):
            if step[0] == "f" and step[2:] in inner.fields:
                found.add(path[:end])
            inner = inner.of(step[2:]) if step[0] == "f" else inner.entry()
    return found


def in_words(path: Path) -> str:
    """A field as the API server writes it, such as `.spec.ports[port=80,protocol="TCP"].name`."""
    return "".join(_in_words(step) for step in path)


def _in_words(step: str) -> str:
    if step[0] == "f":
        return f".{step[2:]}"
    if step[0] == "v":
        return f"[={step[2:]}]"
    pairs = (f"{key}={orjson.dumps(value).decode()}" for key, value in orjson.loads(step[2:]).items())
    return f"[{','.join(pairs)}]"


def value_at(body: Any, path: Path) -> Any:
    """The value of a field, or None where the object does not have it."""
    for step in path:
        body = _step(body, step)
        if body is None:
            return None
    return body


def _step(body: Any, step: str) -> Any:
    if step.startswith("f:"):
        return body.get(step[2:]) if isinstance(body, dict) else None
    if not isinstance(body, list):
        return None
    wanted = orjson.loads(step[2:])
    if step.startswith("v:"):
        return wanted if wanted in body else None
    return next((each for each in body if matches_key(each, wanted)), None)


def matches_key(entry: Any, wanted: Object) -> bool:
    """Whether a list's entry is the one that these keys name."""
    if not isinstance(entry, dict):
        return False
    return all(entry.get(key, "TCP" if key == "protocol" else None) == value for key, value in wanted.items())


def remove_field(body: Any, path: Path) -> None:
    """Take a field out of an object that may be changed."""
    parent = value_at(body, path[:-1]) if path[:-1] else body
    last = path[-1]
    if isinstance(parent, dict):
        parent.pop(last[2:], None)
    elif isinstance(parent, list):
        wanted = orjson.loads(last[2:])
        parent[:] = [each for each in parent if not (each == wanted if last[0] == "v" else matches_key(each, wanted))]
