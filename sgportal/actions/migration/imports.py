"""Importing what was made for others: grids are saved, and nodes labelled by a job, together or not at all."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

from django.db import transaction

from ...core.imports.report import Finding, Translation
from ...core.imports.translation import translate
from ...core.plans.preview.binding import digest, id_of, plan_id
from ...core.text import Invalid, Problem, Sentence, say
from ...models import LabelJob, Node
from ...queries.label_impact import Impact
from ...reconciler.queue.together import requests_together
from ..common import WHOLE, Actor, as_planned, check_agreed, intent, is_agreed
from ..grids import Prepared, Saved, prepare, store
from ..labels import label_each


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import comes to, or came to: what the input says, the grids, what labelling nodes would do (None where no
    node needs a label), and the job that does it. `id` names all of it."""

    translation: Translation
    saved: Sequence[Saved]
    impact: Impact | None
    job: LabelJob | None
    id: str

    @property
    def ids(self) -> Mapping[str, str]:
        """What somebody agrees to who agrees to all of it (`as_planned`)."""
        return _plans(self.saved) | {WHOLE: self.id}


@intent
def import_objects(documents: Sequence[Any], actor: Actor, *, dry_run: bool = False) -> Imported:
    """Make grids and labels of nodes of objects of SuperEdge, OpenYurt and KubeEdge (`core.imports`); with `dry_run`
    say what that would come to. Raises Invalid with pointers into the input, also for what is blocked; Refused."""
    found = translate(documents, Node.objects.views())
    if not dry_run and found.is_blocked:
        blocked = [Problem(each.pointer, _with_cure(each)) for each in found.findings("blocked")]
        raise Invalid(*blocked)
    try:
        prepared = _prepared(found)
    except Invalid as invalid:
        if not dry_run:
            raise
        found, prepared = found.blocked_by(invalid.problems), []  # the report is whole all the same
    with transaction.atomic(), requests_together():
        impact = cast(Impact, label_each(found.labels, actor, dry_run=True)) if found.labels else None
        if not dry_run:
            check_agreed(lambda: _id(found, store(prepared, actor, dry_run=True), impact))
        job = _label(found.labels, impact, actor) if impact and not dry_run else None
        saved = store(prepared, actor, dry_run=dry_run)
        return Imported(found, saved, impact, job, _id(found, saved, impact))


def _with_cure(finding: Finding) -> Sentence:
    return say("%(why)s: %(cure)s", why=finding.sentence, cure=finding.cure) if finding.cure else finding.sentence


def _prepared(found: Translation) -> list[Prepared]:
    """The grids, valid and not refused by the API server. Raises Invalid with pointers into the input."""
    try:
        return prepare(found.manifests)
    except Invalid as invalid:
        raise Invalid(*(_moved(each, found) for each in invalid.problems)) from None


def _moved(problem: Problem, found: Translation) -> Problem:
    at, paths = problem.pointer, list(found.origins)
    index = 0
    if len(paths) > 1:
        first, _, rest = at.removeprefix("/").partition("/")
        if not first.isdecimal():
            return problem
        index, at = int(first), f"/{rest}"
    path = paths[index]
    if at.startswith(found.origins[path][0]):
        return Problem(found.place(path, at), problem.sentence)
    text = say("“%(path)s” would not be valid: %(field)s %(why)s", path=path, field=at, why=problem.sentence)
    return Problem(found.place(path, at), text)


def _id(found: Translation, planned: Sequence[Saved], impact: Impact | None) -> str:
    """Of the manifests as well: of a grid whose NodeUnits have no nodes yet, the plan says nothing."""
    return digest(
        id_of(_plans(planned)), [each.result for each in planned], impact.id if impact else "", found.manifests
    )


def _plans(saved: Sequence[Saved]) -> dict[str, str]:
    return {each.path: plan_id(each.plan.steps) for each in saved}


def _label(labels: Mapping[str, Mapping[str, str]], impact: Impact, actor: Actor) -> LabelJob:
    """The job. What was agreed to is the whole import, which was compared; of the job it is its own impact."""
    with as_planned({WHOLE: impact.id}) if is_agreed() else nullcontext():
        return cast(LabelJob, label_each(labels, actor))
