"""The form over a manifest: which fields it has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.grids.group import KIND as GROUP
from ...core.grids.kinds import KINDS
from .codecs import Manifest, Path, mapping, read
from .fields import CONTAINERS, FIELDS, TEMPLATE, Field

_SHARED = ("namespace", "key")  # what a ServiceGroup's grids take from it
_POOL: Path = ("spec", "templatePool")


@dataclass(frozen=True, slots=True)
class Part:
    """The fields of a manifest, or of one of its templates. `index` is the manifest's place in a ServiceGroup (None:
    the document itself), `template` the template's name in templatePool ("" for the manifest with its own).
    `containers` is where its pods' containers stand (() where there are none), `container` which of them it is about
    (0: the first, with all else)."""

    kind: str
    index: int | None
    template: str
    fields: list[Field]
    containers: Path = ()
    container: int = 0


def parts_of(manifest: Manifest) -> list[Part]:
    """The parts for this kind of manifest that have fields; a ServiceGroup has those of each of its grids besides its
    own."""
    members = read(manifest, ("spec", "grids")) if manifest.get("kind") == GROUP else None
    found = _parts(manifest, None, [each for each in FIELDS if manifest.get("kind") in each.kinds])
    for index, each in enumerate(members if isinstance(members, list) else ()):
        if isinstance(each, Mapping) and each.get("kind") in list(KINDS):
            own = [field for field in FIELDS if each["kind"] in field.kinds and field.name not in _SHARED]
            found += _inside(index, _parts(each, index, own))
    return [part for part in found if part.fields]


def _parts(manifest: Mapping[str, Any], index: int | None, fields: list[Field]) -> list[Part]:
    kind = str(manifest.get("kind"))
    inner = [each for each in fields if each.of_template]
    pool = [str(name) for name in mapping(manifest, _POOL)] if inner else []
    whole = read(manifest, TEMPLATE) is not None or not pool
    own = Part(kind, index, "", fields if whole else [each for each in fields if not each.of_template])
    parts = _with_containers(manifest, own, TEMPLATE, inner, "") if whole and inner else [own]
    for number, name in enumerate(pool):
        place: Path = (*_POOL, name)
        moved = [each.moved(TEMPLATE, place, f"t{number}-") for each in inner]
        parts += _with_containers(manifest, Part(kind, index, name, moved), place, inner, f"t{number}-")
    return parts


def _with_containers(manifest: Mapping[str, Any], part: Part, place: Path, inner: list[Field], mark: str) -> list[Part]:
    """A part about a template at `place`, and one for each container of its pods after the first."""
    containers = place + CONTAINERS[len(TEMPLATE) :]
    found, own = read(manifest, containers), [each for each in inner if each.of_container]
    parts = [replace(part, containers=containers)]
    for number in range(1, len(found) if isinstance(found, list) else 0):
        fields = [each.of_further_container(number).moved(TEMPLATE, place, mark) for each in own]
        parts.append(replace(part, fields=fields, containers=containers, container=number))
    return parts


def _inside(index: int, parts: list[Part]) -> list[Part]:
    """The same parts, of a grid of a ServiceGroup."""
    home: Path = ("spec", "grids", index)
    return [
        replace(
            part,
            index=index,
            fields=[each.moved((), home, f"{index}-") for each in part.fields],
            containers=home + part.containers if part.containers else (),
        )
        for part in parts
    ]
