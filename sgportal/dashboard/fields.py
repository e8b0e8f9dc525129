"""The form over a manifest: each field reads one place of the document and writes it back, and touches nothing else."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy

from ..core.group import KIND as GROUP
from ..core.kinds import KINDS
from ..core.text import Invalid, Problem, pointer, say
from .shapes import (
    CONTAINER_PORTS,
    ENV,
    NUMBER,
    PAIRS,
    QUANTITY,
    SERVICE_PORTS,
    TEXT,
    Manifest,
    Path,
    Shape,
    read,
    write,
)

_POD = ("spec", "template", "template")
_CONTAINER = (*_POD, "spec", "containers", 0)
_WORKLOADS = ("DeploymentGrid", "StatefulSetGrid")
_SERVICES = ("ServiceGrid",)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form: where it stands in the manifest, and for which kinds."""

    name: str
    label: Any
    path: Path
    shape: Shape
    kinds: tuple[str, ...] = (*_WORKLOADS, *_SERVICES, GROUP)
    hint: Any = ""
    also: tuple[Path, ...] = ()
    fixed: bool = False
    lines: int = 1

    @property
    def pointer(self) -> str:
        """Its JSON pointer, as the validation names it."""
        return pointer(*self.path)

    def shown_in(self, manifest: Manifest) -> str:
        """What the field shows of a manifest."""
        return self.shape.shown(read(manifest, self.path))

    def inside(self, index: int) -> "Field":
        """The same field of a ServiceGroup's grid."""
        home: Path = ("spec", "grids", index)
        also = tuple(home + path for path in self.also)
        return replace(self, name=f"{index}-{self.name}", path=home + self.path, also=also, fixed=False)


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


_SHARED = ("namespace", "key")  # what a ServiceGroup's grids take from it


@dataclass(frozen=True, slots=True)
class Part:
    """The fields of one manifest; `index` is its place in a ServiceGroup (None: the document itself)."""

    kind: str
    index: int | None
    fields: list[Field]


def parts_of(manifest: Manifest) -> list[Part]:
    """The fields for this kind of manifest; a ServiceGroup has those of each of its grids besides its own."""
    kind = manifest.get("kind")
    own = Part(str(kind), None, [each for each in FIELDS if kind in each.kinds])
    members = read(manifest, ("spec", "grids")) if kind == GROUP else None
    return [own, *(_member(index, each) for index, each in enumerate(members or ()) if isinstance(each, Mapping))]


def _member(index: int, manifest: Mapping[str, Any]) -> Part:
    kind = manifest.get("kind")
    wanted = [each for each in FIELDS if kind in each.kinds and kind in KINDS and each.name not in _SHARED]
    return Part(str(kind), index, [each.inside(index) for each in wanted])


def filled(manifest: Manifest, values: Mapping[str, str]) -> Manifest:
    """A copy of the manifest with the fields that were changed written into it. Raises Invalid for unreadable lines."""
    changed = deepcopy(manifest)
    problems = []
    for field in (each for part in parts_of(manifest) for each in part.fields):
        shown = field.shown_in(manifest).strip()
        text = values.get(field.name, shown).replace("\r\n", "\n").strip()
        if text == shown:
            continue
        try:
            value = field.shape.parsed(text, read(manifest, field.path))
        except ValueError:
            problems.append(Problem(field.pointer, say(field.shape.wrong.msgid, value=f"“{text[:60]}”")))
            continue
        _put(changed, field, value)
    if problems:
        raise Invalid(*problems)
    return changed


def _put(manifest: Manifest, field: Field, value: Any) -> None:
    """Write a value into its place, and into those that must agree with it; what they hold besides stays."""
    old = _mapping(manifest, field.path)
    write(manifest, field.path, value)
    for path in field.also:
        kept = {key: each for key, each in _mapping(manifest, path).items() if key not in old}
        write(manifest, path, {**kept, **(value or {})})


def _mapping(manifest: Manifest, path: Path) -> Mapping[str, Any]:
    found = read(manifest, path)
    return found if isinstance(found, Mapping) else {}
