"""What would become of a draft, as the actions say it; and doing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ... import actions
from ...core.documents import only, read_documents
from ...core.grids.group import KIND as GROUP
from ...core.plans.plan import Plan
from ...core.plans.preview.binding import plan_id
from ...core.text import Invalid, Problem, say
from ...queries.plans import plan_json
from ..page.fingerprint import fingerprint
from .draft import Draft
from .subject import Home, kind_of


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one grid: created, configured, unchanged or deleted, and the plan for it."""

    path: str
    result: str
    plan: Plan
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would become of a draft: problems, or the fate of each grid; `current` is what somebody else has left
    meanwhile, `saved` the object that was stored, if it was one."""

    problems: tuple[Problem, ...] = ()
    fates: tuple[Fate, ...] = ()
    current: Home | None = None
    saved: Home | None = None

    @property
    def ids(self) -> dict[str, str]:
        """The id of each grid's plan by its path."""
        return {each.path: plan_id(each.plan.steps) for each in self.fates}

    @property
    def seen(self) -> str:
        """The fingerprint of what the person is shown."""
        return fingerprint([[each.path, each.result, plan_json(each.plan)] for each in self.fates])


def judge(draft: Draft, who: actions.Actor, home: Home | None, *, dry_run: bool = True, ask: bool = True) -> Verdict:
    """Have the actions say (or, without `dry_run`, do) what becomes of a draft of something new or of `home`; without
    `ask` the cluster is not waited for."""
    if draft.problems:
        return Verdict(draft.problems)
    asked = {"create_only": home is None, "expect": draft.expect if home else None, "dry_run": dry_run, "ask": ask}
    try:
        documents = _documents(draft, home)
        if documents[0].get("kind") == GROUP and len(documents) == 1:
            return _of_group(actions.save_group(documents[0], who, **asked))  # type: ignore[arg-type]
        return _of_grids(actions.save_grids(documents, who, **asked))  # type: ignore[arg-type]
    except Invalid as invalid:
        return Verdict(invalid.problems)
    except actions.AlreadyExists as error:
        return Verdict((Problem("/metadata/name", error.sentence),))
    except actions.Refused as refused:
        return Verdict((Problem("", refused.sentence),))
    except actions.Stale as stale:
        return Verdict(current=stale.current)


def _of_grids(saved: Sequence[actions.Saved]) -> Verdict:
    only = saved[0].grid if len(saved) == 1 else None
    return Verdict(fates=tuple(Fate(each.path, each.result, each.plan, each.warnings) for each in saved), saved=only)


def _of_group(saved: actions.SavedGroup) -> Verdict:
    leaving = zip(saved.removed, saved.removals, strict=True)
    kept = _of_grids(saved.saved).fates
    return Verdict(fates=(*kept, *(Fate(grid.path, "deleted", plan) for grid, plan in leaving)), saved=saved.group)


def _documents(draft: Draft, home: Home | None) -> list[dict[str, Any]]:
    documents = read_documents(draft.text.encode())
    if not documents:
        raise Invalid(Problem("", say("enter at least one document")))
    if home is None:
        return documents
    metadata = only(documents).get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    fixed = (
        ("/kind", documents[0].get("kind"), kind_of(home)),
        ("/metadata/name", metadata.get("name"), home.name),
        ("/metadata/namespace", metadata.get("namespace") or "default", home.namespace),
    )
    problems = [
        Problem(where, say("cannot be changed; it is “%(wanted)s”", wanted=must))
        for where, found, must in fixed
        if found != must
    ]
    if problems:
        raise Invalid(*problems)
    return documents
