"""A grid or a ServiceGroup being written: one document behind the form and the YAML view."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...core.documents import read_document
from ...core.text import Invalid, Problem
from .codecs import Manifest
from .fields import Field
from .form import parts_of
from .merge import is_touched, merged
from .unsaid import unsaid
from .yaml_edit import rewritten
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
    edited ("" for something new). `base` is the text that the form stands for where it is not the document: the last
    one that could be read. `values` are texts of fields that the document does not hold."""

    text: str
    mode: str = "form"
    expect: str = ""
    problems: tuple[Problem, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    base: str = ""

    @property
    def located(self) -> list[tuple[Problem, int | None]]:
        """The problems, each with the line of the document it speaks of; what is wrong with the text as a whole names
        its own."""
        return [(each, line_of(self.text, each.pointer) if each.pointer else None) for each in self.problems]

    @property
    def form_of(self) -> str:
        """The text that the form stands for."""
        return self.base or self.text

    @property
    def is_followed(self) -> bool:
        """Whether the form says what the document does, as far as it can."""
        return self.form_of == self.text

    @property
    def sections(self) -> list[Section]:
        """The form: its fields, what they show and what is wrong with them; none where the text cannot be read."""
        manifest = _readable(self.form_of)
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

    @property
    def unsaid(self) -> list[str]:
        """Where the document says what the form does not."""
        return unsaid(_readable(self.text))

    def _entry(self, manifest: Manifest, field: Field) -> Entry:
        shown = self.values.get(field.name, field.shown_in(manifest))
        return Entry(field, shown, [problem for problem in self.problems if problem.pointer == field.pointer])


def _readable(text: str) -> Manifest:
    """The object of a text; an empty one for a text that no form can show."""
    try:
        return read_document(text.encode())
    except Invalid:
        return {}


def posted(form: Mapping[str, str]) -> Draft:
    """The draft as the page sent it; what was typed into the form is written into the document first."""
    mode = form.get("mode", "yaml")
    text = _text(form.get("document", ""))
    draft = Draft(text, mode if mode in MODES else "yaml", form.get("expect", ""))
    if draft.mode == "yaml":
        return draft
    base = _text(form.get("base", text))
    began = _readable(base)
    values = {key.removeprefix("f-"): value for key, value in form.items() if key.startswith("f-")}
    try:
        document = read_document(text.encode())
    except Invalid as invalid:
        if is_touched(began, values):
            return replace(draft, base=base, problems=invalid.problems, values=values)
        return replace(draft, base=base if began else "")
    done = merged(began or document, document, values)
    text = rewritten(text, document, done.manifest)
    return replace(draft, text=text, problems=done.problems, values=done.left)


def _text(sent: str) -> str:
    return sent.replace("\r\n", "\n")
