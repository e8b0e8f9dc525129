"""What of a manifest no field of the form says: it stays as it is, and a person is told so."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.text import pointer
from .codecs import Manifest, Path, Shape, read
from .form import parts_of
from .pod_codecs import plainly

_EMPTY: tuple[Any, ...] = (None, "", {}, [])


def unsaid(manifest: Manifest) -> list[str]:
    """The JSON pointers of what the form does not show, in the order of the document: each the highest place below
    which nothing is shown."""
    said: dict[Path, Any] = {("apiVersion",): manifest.get("apiVersion"), ("kind",): manifest.get("kind")}
    for part in parts_of(manifest):
        if part.index is not None:
            said["spec", "grids", part.index, "kind"] = part.kind
        for field in part.fields:
            said[field.path] = _told(field.shape, read(manifest, field.path))
            said.update(dict.fromkeys(field.also, said[field.path]))
    ways = {path[:length] for path in said for length in range(len(path))}
    return [pointer(*path) for path in _below(manifest, (), said, ways)]


def _told(shape: Shape, value: Any) -> Any:
    """What a field says of a value; of a list what it says of each entry, None where that is nothing."""
    if isinstance(value, list):
        return [(_read_back(shape, [each], None) or [None])[0] for each in value]
    return _read_back(shape, value, value)


def _read_back(shape: Shape, value: Any, old: Any) -> Any:
    try:
        return shape.parsed(shape.shown(value), old)
    except ValueError:
        return None


def _below(value: Any, path: Path, said: Mapping[Path, Any], ways: set[Path]) -> Iterator[Path]:
    if path in said:
        yield from _beyond(value, said[path], path)
    elif path in ways and isinstance(value, (dict, list)):
        for place, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _below(each, (*path, place), said, ways)
    elif value not in _EMPTY:
        yield path


def _beyond(value: Any, told: Any, path: Path) -> Iterator[Path]:
    """What a value holds beyond what a field tells of it."""
    if isinstance(value, Mapping) and isinstance(told, Mapping):
        for key in plainly(value):
            yield from _beyond(value[key], told.get(key), (*path, key))
    elif isinstance(value, list) and isinstance(told, list) and len(value) == len(told):
        for index, (each, line) in enumerate(zip(value, told, strict=True)):
            yield from _beyond(each, line, (*path, index))
    elif value not in _EMPTY and value != told:
        yield path
