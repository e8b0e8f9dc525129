"""A grid being written: one document behind the form and the YAML view, and what would become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import actions
from ..core.documents import read_document, read_documents, write_document
from ..core.kinds import API_VERSION
from ..core.text import Invalid, Problem, say
from ..models import Grid
from ..models.reading import plan_json
from .fields import Field, fields_of, filled
from .fingerprint import fingerprint
from .places import line_of

MODES = ("form", "yaml")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person has written so far. `text` is the document; `mode` is the view; `expect` is the ETag of the grid
    that is edited ("" for a new one)."""

    text: str
    mode: str = "form"
    expect: str = ""
    problems: tuple[Problem, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def located(self) -> list[tuple[Problem, int | None]]:
        """The problems, each with the line of the document it speaks of."""
        return [(problem, line_of(self.text, problem.pointer)) for problem in self.problems]

    @property
    def fields(self) -> list[tuple[Field, str, list[Problem]]]:
        """The form's fields with what they show and what is wrong with them; none where the text cannot be read."""
        try:
            found = fields_of(read_document(self.text.encode()))
        except Invalid:
            return []
        return [
            (each, self.values.get(each.name, shown), [p for p in self.problems if p.pointer == each.pointer])
            for each, shown in found
        ]


def posted(form: Mapping[str, str]) -> Draft:
    """The draft as the page sent it; what was typed into the form is written into the document first."""
    mode = form.get("mode", "yaml")
    text = form.get("document", "").replace("\r\n", "\n").replace("\0", "")
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would become of a draft: problems, or what each of its grids would be and do; `current` is the grid as
    somebody else has left it meanwhile."""

    problems: tuple[Problem, ...] = ()
    saved: tuple[actions.Saved, ...] = ()
    current: Grid | None = None

    @property
    def seen(self) -> str:
        """The fingerprint of what the person is shown."""
        return fingerprint([[each.path, each.result, plan_json(each.plan)] for each in self.saved])


def judge(draft: Draft, who: actions.Actor, grid: Grid | None, *, dry_run: bool = True) -> Verdict:
    """Have the actions say (or, without `dry_run`, do) what becomes of a draft of a new grid or of `grid`."""
    if draft.problems:
        return Verdict(draft.problems)
    try:
        documents = _documents(draft, grid)
        expect = draft.expect if grid else None
        saved = actions.save_grids(documents, who, create_only=grid is None, expect=expect, dry_run=dry_run)
    except Invalid as invalid:
        return Verdict(invalid.problems)
    except actions.AlreadyExists as error:
        name = error.path.rpartition("/")[2]
        return Verdict((Problem("/metadata/name", say("there is a grid “%(name)s” of this kind already", name=name)),))
    except actions.Refused as refused:
        return Verdict((Problem("", refused.sentence),))
    except actions.Stale as stale:
        return Verdict(current=stale.current)
    return Verdict(saved=tuple(saved))


def _documents(draft: Draft, grid: Grid | None) -> list[dict[str, Any]]:
    documents = read_documents(draft.text.encode())
    if not documents:
        raise Invalid(Problem("", say("write at least one document")))
    if grid is None:
        return documents
    if len(documents) > 1:
        raise Invalid(Problem("", say("exactly one document is expected here, not %(count)s", count=len(documents))))
    metadata = documents[0].get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    fixed = (
        ("/kind", documents[0].get("kind"), grid.kind),
        ("/metadata/name", metadata.get("name"), grid.name),
        ("/metadata/namespace", metadata.get("namespace") or "default", grid.namespace),
    )
    problems = [
        Problem(where, say("cannot be changed; it is “%(wanted)s”", wanted=must))
        for where, is_, must in fixed
        if is_ != must
    ]
    if problems:
        raise Invalid(*problems)
    return documents


def blank(kind: str, key: str) -> dict[str, Any]:
    """The manifest a new grid begins with."""
    spec: dict[str, Any] = {"gridUniqKey": key}
    if kind == "ServiceGrid":
        spec["template"] = {
            "selector": {"app": "hello"},
            "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
        }
    else:
        container = {"name": "main", "image": "", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}
        template: dict[str, Any] = {"replicas": 1, "selector": {"matchLabels": {"app": "hello"}}}
        if kind == "StatefulSetGrid":
            template["serviceName"] = "hello"
        template["template"] = {"metadata": {"labels": {"app": "hello"}}, "spec": {"containers": [container]}}
        spec["template"] = template
    metadata = {"name": "", "namespace": "default"}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
