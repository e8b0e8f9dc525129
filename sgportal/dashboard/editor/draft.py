"""A grid or a ServiceGroup being written: one document behind the form and the YAML view."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...core.documents import read_document, write_document
from ...core.text import Invalid, Problem
from .codecs import Manifest
from .fields import Field
from .form import filled, parts_of
from .yaml_lines import line_of

MODES = ("form", "yaml")


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of the form, the text in it, and what is wrong with it."""

    field: Field
    value: str
    wrong: list[Problem]


@dataclass(frozen=True, slots=True)
class Section:
    """The fields of a manifest, of one of its templates or containers (see `form.Part`)."""

    kind: str
    index: int | None
    template: str
    entries: list[Entry]
    has_containers: bool = False
    container: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person has written so far. `text` is the document; `mode` is the view; `expect` is the ETag of what is
    edited ("" for something new)."""

    text: str
    mode: str = "form"
    expect: str = ""
    problems: tuple[Problem, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def located(self) -> list[tuple[Problem, int | None]]:
        """The problems, each with the line of the document it speaks of. A form has no lines; what is wrong with the
        text as a whole names its own."""
        seen = self.mode == "yaml"
        return [(each, line_of(self.text, each.pointer) if seen and each.pointer else None) for each in self.problems]

    @property
    def sections(self) -> list[Section]:
        """The form: its fields, what they show and what is wrong with them; none where the text cannot be read."""
        try:
            manifest = read_document(self.text.encode())
        except Invalid:
            return []
        return [
            Section(
                each.kind,
                each.index,
                each.template,
                [self._entry(manifest, one) for one in each.fields],
                bool(each.containers),
                each.container,
            )
            for each in parts_of(manifest)
        ]

    def _entry(self, manifest: Manifest, field: Field) -> Entry:
        shown = self.values.get(field.name, field.shown_in(manifest))
        return Entry(field, shown, [problem for problem in self.problems if problem.pointer == field.pointer])


def posted(form: Mapping[str, str]) -> Draft:
    """The draft as the page sent it; what was typed into the form is written into the document first."""
    mode = form.get("mode", "yaml")
    text = form.get("document", "").replace("\r\n", "\n")
    draft = Draft(text, mode if mode in MODES else "yaml", form.get("expect", ""))
    if draft.mode == "yaml":
        return draft
    values = {key.removeprefix("f-"): value for key, value in form.items() if key.startswith("f-")}
    try:
        before = read_document(text.encode())
        after = filled(before, values)
    except Invalid as invalid:
        return replace(draft, problems=invalid.problems, values=values)
    return draft if after == before else replace(draft, text=write_document(after))
