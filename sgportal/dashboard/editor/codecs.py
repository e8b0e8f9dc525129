"""Places in a manifest, and how what stands there is written in a form's field and read from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...core.schema import WANTED
from ...core.text import Sentence, say

Path = tuple[str | int, ...]
Manifest = dict[str, Any]
_BY = " by "


def read(manifest: Any, path: Path) -> Any:
    """What stands at a path of a manifest, or None."""
    for part in path:
        if isinstance(part, int):
            manifest = manifest[part] if isinstance(manifest, list) and part < len(manifest) else None
        else:
            manifest = manifest.get(part) if isinstance(manifest, Mapping) else None
    return manifest


def mapping(manifest: Any, path: Path) -> Mapping[str, Any]:
    """The mapping at a path of a manifest; an empty one for anything else."""
    found = read(manifest, path)
    return found if isinstance(found, Mapping) else {}


def write(manifest: Any, path: Path, value: Any) -> None:
    """Put a value at a path, making what lies on the way; None removes what stands there."""
    if value is None and read(manifest, path) is None:
        return
    for part, following in pairwise(path):
        manifest = _step(manifest, part, [] if isinstance(following, int) else {})
    last = path[-1]
    if value is None:
        manifest.pop(last, None)
    elif isinstance(last, int) and last >= len(manifest):
        manifest.append(value)
    else:
        manifest[last] = value


def _step(manifest: Any, part: str | int, empty: Any) -> Any:
    """What stands one step on; something of the wrong shape is replaced by what is needed there."""
    if isinstance(part, int) and part >= len(manifest):
        manifest.append(empty)
    if type(read(manifest, (part,))) is not type(empty):
        manifest[part] = empty
    return manifest[part]


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Shape:
    """How a value is written in a field (`shown`) and read from it (`parsed`, raising ValueError)."""

    shown: Callable[[Any], str]
    parsed: Callable[[str, Any], Any]
    wrong: Sentence


def _text(text: str, _: Any) -> Any:
    return text or None


def _number(text: str, _: Any) -> Any:
    return int(text) if text else None


def _quantity(text: str, old: Any) -> Any:
    return old if text == str(old) else text or None


def _assignments(text: str) -> list[tuple[str, str]]:
    found = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(line)
        found.append((key.strip(), value.strip()))
    return found


def _pairs(text: str, _: Any) -> Any:
    found = _assignments(text)
    if len(dict(found)) < len(found):
        raise ValueError(text)
    return dict(found) or None


def _shown_pairs(value: Any) -> str:
    return "\n".join(f"{key}={each}" for key, each in value.items()) if isinstance(value, Mapping) else ""


def _fits_a_line(variable: Mapping[str, Any]) -> bool:
    return "valueFrom" not in variable and "\n" not in str(variable.get("value", ""))


def _env(text: str, old: Any) -> Any:
    """Plain variables as the lines say, in their order; what takes its value from elsewhere, or has one of several
    lines, stays."""
    kept = [each for each in _maps(old) if not _fits_a_line(each)]
    return [{"name": name, "value": value} for name, value in _assignments(text)] + kept or None


def _shown_env(value: Any) -> str:
    plain = [each for each in _maps(value) if _fits_a_line(each)]
    return "\n".join(f"{each.get('name', '')}={each.get('value', '')}" for each in plain)


def _container_ports(text: str, old: Any) -> Any:
    return _ports(text, old, ("containerPort",))


def _service_ports(text: str, old: Any) -> Any:
    return _ports(text, old, ("port", "targetPort"))


def _ports(text: str, old: Any, names: Sequence[str]) -> Any:
    """Lines such as `80:8080/TCP web`; what a port carries besides is kept for the port of the same number."""
    before = {str(each.get(names[0])): each for each in _maps(old)}
    found = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        numbers, _, label = line.partition(" ")
        numbers, _, protocol = numbers.partition("/")
        parts = numbers.split(":")
        values = dict(zip(names, (int(part) if part.isdecimal() else part for part in parts), strict=False))
        if len(parts) > len(names) or not isinstance(values[names[0]], int):
            raise ValueError(line)
        extras = {"protocol": protocol.upper() or None, "name": label.strip() or None}
        port = {**before.get(str(values[names[0]]), {}), **values, **extras}
        found.append({key: value for key, value in port.items() if value is not None})
    return found or None


def _shown_ports(value: Any) -> str:
    return "\n".join(_shown_port(each) for each in _maps(value))


def _shown_port(port: Mapping[str, Any]) -> str:
    number = str(port.get("containerPort", port.get("port", "")))
    target = f":{port['targetPort']}" if "targetPort" in port else ""
    protocol = f"/{port['protocol']}" if "protocol" in port else ""
    return f"{number}{target}{protocol} {port.get('name', '')}".strip()


def _ignored(text: str, old: Any) -> Any:
    """Lines such as `/spec/replicas by keda-operator`: a field, managers, or both. What fits no line stays."""
    kept = [each for each in _maps(old) if _ignored_line(each) is None]
    return [_ignored_entry(line) for line in filter(None, map(str.strip, text.split("\n")))] + kept or None


def _ignored_entry(line: str) -> dict[str, list[str]]:
    path, by, names = f" {line} ".rpartition(_BY)
    if not by:
        path, names = line, ""
    managers = [each.strip() for each in names.split(",")] if by else []
    if not all(managers):
        raise ValueError(line)
    path = path.strip()
    paths = {"jsonPointers" if path.startswith("/") else "fieldPaths": [path]} if path else {}
    return paths | ({"managers": managers} if managers else {})


def _ignored_line(entry: Mapping[str, Any]) -> str | None:
    """The line that says the same as an entry, None where there is none."""
    paths = [*(entry.get("jsonPointers") or ()), *(entry.get("fieldPaths") or ())]
    managers = ", ".join(map(str, entry.get("managers") or ()))
    line = " ".join([*map(str, paths), *([f"by {managers}"] if managers else [])])
    try:
        return line if line and _ignored_entry(line) == entry else None
    except ValueError:
        return None


def _shown_ignored(value: Any) -> str:
    return "\n".join(filter(None, map(_ignored_line, _maps(value))))


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


_ANY = WANTED["text"]
TEXT = Shape(_plain, _text, _ANY)
NUMBER = Shape(_plain, _number, WANTED["a whole number"])
QUANTITY = Shape(_plain, _quantity, _ANY)
PAIRS = Shape(_shown_pairs, _pairs, say("enter one “key=value” per line and each key once, not %(value)s"))
ENV = Shape(_shown_env, _env, say("enter one “key=value” per line, not %(value)s"))
CONTAINER_PORTS = Shape(_shown_ports, _container_ports, say("enter ports such as “8080/TCP web”, not %(value)s"))
IGNORED = Shape(
    _shown_ignored, _ignored, say("write a field, “by” and the managers that set it, or both, not %(value)s")
)
SERVICE_PORTS = Shape(_shown_ports, _service_ports, say("enter ports such as “80:8080/TCP web”, not %(value)s"))
