"""The form over a manifest: each field reads one place of the document and writes it back, and touches nothing else."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext_lazy

from ..core.text import Invalid, Problem, Sentence, pointer, say

Path = tuple[str | int, ...]
Manifest = dict[str, Any]
_POD = ("spec", "template", "template")
_CONTAINER = (*_POD, "spec", "containers", 0)
_WORKLOADS = ("DeploymentGrid", "StatefulSetGrid")
_SERVICES = ("ServiceGrid",)


def read(manifest: Any, path: Path) -> Any:
    """What stands at a path of a manifest, or None."""
    for part in path:
        if isinstance(part, int):
            manifest = manifest[part] if isinstance(manifest, list) and part < len(manifest) else None
        else:
            manifest = manifest.get(part) if isinstance(manifest, Mapping) else None
    return manifest


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
    if isinstance(part, int):
        if part >= len(manifest):
            manifest.append(empty)
    elif not isinstance(manifest.get(part), dict | list):
        manifest[part] = empty
    return manifest[part]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a value is written in a field (`shown`) and read from it (`parsed`, raising ValueError)."""

    shown: Callable[[Any], str]
    parsed: Callable[[str, Any], Any]
    wrong: Sentence


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form: where it stands in the manifest, and for which kinds."""

    name: str
    label: Any
    path: Path
    shape: Shape
    kinds: tuple[str, ...] = (*_WORKLOADS, *_SERVICES)
    hint: Any = ""
    also: tuple[Path, ...] = ()
    fixed: bool = False
    lines: int = 1

    @property
    def pointer(self) -> str:
        """Its JSON pointer, as the validation names it."""
        return pointer(*self.path)


def _text(text: str, _: Any) -> Any:
    return text or None


def _number(text: str, _: Any) -> Any:
    return int(text) if text else None


def _quantity(text: str, old: Any) -> Any:
    return old if text == str(old) else text or None


def _pairs(text: str, _: Any) -> Any:
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(line)
        found[key.strip()] = value.strip()
    return found or None


def _shown_pairs(value: Any) -> str:
    return "\n".join(f"{key}={each}" for key, each in value.items()) if isinstance(value, Mapping) else ""


def _env(text: str, old: Any) -> Any:
    """Plain variables as the lines say, in their order; what takes its value from elsewhere stays."""
    old = old if isinstance(old, list) else []
    kept = [each for each in old if isinstance(each, Mapping) and "valueFrom" in each]
    wanted = _pairs(text, None) or {}
    return [{"name": name, "value": value} for name, value in wanted.items()] + kept or None


def _shown_env(value: Any) -> str:
    plain = [each for each in value or () if isinstance(each, Mapping) and "valueFrom" not in each]
    return "\n".join(f"{each.get('name', '')}={each.get('value', '')}" for each in plain)


def _container_ports(text: str, old: Any) -> Any:
    return _ports(text, old, ("containerPort",))


def _service_ports(text: str, old: Any) -> Any:
    return _ports(text, old, ("port", "targetPort"))


def _ports(text: str, old: Any, names: Sequence[str]) -> Any:
    """Lines such as `80:8080/TCP web`; what a port carries besides is kept for the port of the same number."""
    before = {each.get(names[0]): each for each in old or () if isinstance(each, Mapping)}
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        numbers, _, label = line.partition(" ")
        numbers, _, protocol = numbers.partition("/")
        parts = numbers.split(":")
        values = dict(zip(names, (int(part) if part.isdecimal() else part for part in parts), strict=False))
        if len(parts) > len(names) or not isinstance(values[names[0]], int):
            raise ValueError(line)
        extras = {"protocol": protocol.upper() or None, "name": label.strip() or None}
        port = {**before.get(values[names[0]], {}), **values, **extras}
        found.append({key: value for key, value in port.items() if value is not None})
    return found or None


def _shown_ports(value: Any) -> str:
    return "\n".join(_shown_port(each) for each in value or () if isinstance(each, Mapping))


def _shown_port(port: Mapping[str, Any]) -> str:
    number = str(port.get("containerPort", port.get("port", "")))
    target = f":{port['targetPort']}" if "targetPort" in port else ""
    protocol = f"/{port['protocol']}" if "protocol" in port else ""
    return f"{number}{target}{protocol} {port.get('name', '')}".strip()


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


_ANY = say("must be text, not %(value)s")
TEXT = Shape(_plain, _text, _ANY)
NUMBER = Shape(_plain, _number, say("must be a whole number, not %(value)s"))
QUANTITY = Shape(_plain, _quantity, _ANY)
PAIRS = Shape(_shown_pairs, _pairs, say("write one “key=value” per line, not %(value)s"))
ENV = Shape(_shown_env, _env, say("write one “key=value” per line, not %(value)s"))
CONTAINER_PORTS = Shape(_shown_ports, _container_ports, say("write ports such as “8080/TCP web”, not %(value)s"))
SERVICE_PORTS = Shape(_shown_ports, _service_ports, say("write ports such as “80:8080/TCP web”, not %(value)s"))
FIELDS = (
    Field("name", gettext_lazy("Name"), ("metadata", "name"), TEXT, fixed=True),
    Field("namespace", gettext_lazy("Namespace"), ("metadata", "namespace"), TEXT, fixed=True),
    Field(
        "key",
        "gridUniqKey",
        ("spec", "gridUniqKey"),
        TEXT,
        hint=gettext_lazy("The node-label key that forms the NodeUnits."),
    ),
    Field("replicas", gettext_lazy("Replicas per NodeUnit"), ("spec", "template", "replicas"), NUMBER, _WORKLOADS),
    Field("container", gettext_lazy("Container name"), (*_CONTAINER, "name"), TEXT, _WORKLOADS),
    Field("image", gettext_lazy("Image"), (*_CONTAINER, "image"), TEXT, _WORKLOADS),
    Field(
        "labels",
        gettext_lazy("Pod labels and selector"),
        ("spec", "template", "selector", "matchLabels"),
        PAIRS,
        _WORKLOADS,
        gettext_lazy("One key=value per line."),
        also=((*_POD, "metadata", "labels"),),
        lines=2,
    ),
    Field(
        "ports",
        gettext_lazy("Container ports"),
        (*_CONTAINER, "ports"),
        CONTAINER_PORTS,
        _WORKLOADS,
        gettext_lazy("One per line, such as 8080/TCP web."),
        lines=2,
    ),
    Field(
        "env",
        gettext_lazy("Environment"),
        (*_CONTAINER, "env"),
        ENV,
        _WORKLOADS,
        gettext_lazy("One NAME=value per line; variables that take their value from elsewhere stay as they are."),
        lines=3,
    ),
    Field("cpu", gettext_lazy("CPU request"), (*_CONTAINER, "resources", "requests", "cpu"), QUANTITY, _WORKLOADS),
    Field(
        "memory", gettext_lazy("Memory request"), (*_CONTAINER, "resources", "requests", "memory"), QUANTITY, _WORKLOADS
    ),
    Field(
        "default",
        gettext_lazy("Default template"),
        ("spec", "defaultTemplateName"),
        TEXT,
        _WORKLOADS,
        gettext_lazy("A name in templatePool; empty means spec.template."),
    ),
    Field(
        "templates",
        gettext_lazy("Templates per NodeUnit"),
        ("spec", "templates"),
        PAIRS,
        _WORKLOADS,
        gettext_lazy("One unit=template per line; write the templates themselves in the YAML view."),
        lines=3,
    ),
    Field(
        "selector",
        gettext_lazy("Labels of the pods that serve"),
        ("spec", "template", "selector"),
        PAIRS,
        _SERVICES,
        gettext_lazy("One key=value per line."),
        lines=2,
    ),
    Field(
        "serviceports",
        gettext_lazy("Ports"),
        ("spec", "template", "ports"),
        SERVICE_PORTS,
        _SERVICES,
        gettext_lazy("One per line, such as 80:8080/TCP web."),
        lines=2,
    ),
)


def fields_of(manifest: Manifest) -> list[tuple[Field, str]]:
    """The fields for this kind of manifest, each with what it shows."""
    return [
        (field, field.shape.shown(read(manifest, field.path)))
        for field in FIELDS
        if manifest.get("kind") in field.kinds
    ]


def filled(manifest: Manifest, values: Mapping[str, str]) -> Manifest:
    """A copy of the manifest with the fields that were changed written into it. Raises Invalid for unreadable lines."""
    changed = deepcopy(manifest)
    problems = []
    for field, shown in fields_of(manifest):
        text = values.get(field.name, shown).replace("\r\n", "\n").strip()
        if text == shown.strip():
            continue
        old = read(manifest, field.path)
        try:
            value = field.shape.parsed(text, old)
        except ValueError:
            problems.append(Problem(field.pointer, say(field.shape.wrong.msgid, value=f"“{text[:60]}”")))
            continue
        write(changed, field.path, value)
        for path in field.also:
            kept = {key: each for key, each in (read(changed, path) or {}).items() if key not in (old or {})}
            write(changed, path, {**kept, **(value or {})})
    if problems:
        raise Invalid(*problems)
    return changed
