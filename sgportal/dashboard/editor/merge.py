"""The form and the YAML beside it as one document: what was changed on either side of what both began from."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from ...core.text import Problem, say
from .codecs import Manifest, mapping, read, write
from .fields import Field
from .form import parts_of


@dataclass(frozen=True, slots=True)
class Merged:
    """The document with what the form changed in it. `left` is what was typed into fields that could not be written,
    by their names, and `problems` why."""

    manifest: Manifest
    left: Mapping[str, str]
    problems: tuple[Problem, ...]


def merged(base: Manifest, manifest: Manifest, values: Mapping[str, str]) -> Merged:
    """A copy of the manifest with the fields written into it that differ from what the form began from (`base`), and
    touching nothing else. A field that the YAML changed too, to something else, is left for the person to decide."""
    changed, left, problems = deepcopy(manifest), {}, []
    for field, text in _touched(base, values):
        yaml, problem = field.shown_in(manifest).strip(), None
        if text == yaml:
            continue
        if yaml != field.shown_in(base).strip():
            sentence = say("the YAML changed this, too, to “%(yaml)s”; check the field and go on", yaml=yaml[:60])
            problem = Problem(field.pointer, sentence)
        else:
            problem = _written(changed, manifest, field, text)
        if problem:
            left[field.name] = text
            problems.append(problem)
    return Merged(changed, left, tuple(problems))


def is_touched(base: Manifest, values: Mapping[str, str]) -> bool:
    """Whether a field differs from what the form began from."""
    return bool(_touched(base, values))


def _touched(base: Manifest, values: Mapping[str, str]) -> list[tuple[Field, str]]:
    fields = [field for part in parts_of(base) for field in part.fields if field.name in values]
    typed = [(field, values[field.name].replace("\r\n", "\n").strip()) for field in fields]
    return [(field, text) for field, text in typed if text != field.shown_in(base).strip()]


def _written(changed: Manifest, manifest: Manifest, field: Field, text: str) -> Problem | None:
    try:
        value = field.shape.parsed(text, read(manifest, field.path))
    except ValueError:
        return Problem(field.pointer, field.shape.wrong.having(value=f"“{text[:60]}”"))
    old = mapping(changed, field.path)
    write(changed, field.path, value)
    for path in field.also:  # what must agree with it keeps what it holds besides
        kept = {key: each for key, each in mapping(changed, path).items() if key not in old}
        write(changed, path, {**kept, **(value or {})})
    return None
