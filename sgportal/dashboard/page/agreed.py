"""What a person agreed to on a page: the plan whose id the form brings back is the one that is carried out."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext

from ...actions import Forbidden, PlanChanged, Refused, as_planned
from ...core.plans.plan import Plan
from ...core.plans.preview.binding import id_of
from ...core.plans.preview.deletions import is_large
from ...core.text import Invalid, Problem
from .render import clean
from .tags import say

FIELD = "plan"
MOST_WARNINGS = 5  # that a person is shown after a save; the preview has them all
T = TypeVar("T")


def as_shown(request: HttpRequest, path: str) -> AbstractContextManager[None]:
    """Within this, a write to the grid at a path (`WHOLE`: to no single grid) raises PlanChanged unless it comes to the
    plan that the form names; a form that names none agreed to nothing."""
    return as_planned({path: clean(request.POST.get(FIELD, ""))})


def as_all_shown(request: HttpRequest, ids: Mapping[str, str]) -> AbstractContextManager[None]:
    """As `as_shown`, for a write to several grids: the ids of their plans by their paths, which the form names as one.
    Raises PlanChanged."""
    if request.POST.get(FIELD) != id_of(ids):
        raise PlanChanged
    return as_planned(ids)


def agreed(request: HttpRequest, path: str, write: Callable[[bool], T]) -> tuple[T, bool]:
    """Carry out a write where the form names the plan that was shown and it is still that, else only look what it comes
    to: what it answers, and whether it was carried out. `write` takes whether it is a dry run."""
    if request.method == "POST" and FIELD in request.POST:
        try:
            with as_shown(request, path):
                return write(False), True
        except PlanChanged:
            say_changed(request)
    return write(True), False


def is_named(request: HttpRequest, name: str, plans: Iterable[Plan]) -> bool:
    """Whether the form names what goes, where much goes with it; says so on the page where it does not."""
    if not is_large(plans) or clean(request.POST.get("typed", "")) == name:
        return True
    text = gettext("Nothing was changed: type “%(name)s” to confirm that many objects are deleted.")
    messages.warning(request, text % {"name": name})
    return False


def say_changed(request: HttpRequest) -> None:
    """Tell the person that the plan on the page is another than the one they agreed to."""
    messages.warning(request, gettext("The plan has changed since it was shown. Nothing was changed; review it again."))


def say_warnings(request: HttpRequest, warnings: Iterable[Problem]) -> None:
    """Tell the person, after a save, what the API server warns of, and why it could not be asked."""
    for each in list(dict.fromkeys(warnings))[:MOST_WARNINGS]:
        messages.warning(request, f"{each.pointer} {say(each.sentence)}".strip())


def say_why(request: HttpRequest, error: Invalid | Refused) -> None:
    """Tell the person why nothing was done. Raises Forbidden again, which has a page of its own."""
    if isinstance(error, Forbidden):
        raise error
    sentences = [error.sentence] if isinstance(error, Refused) else [each.sentence for each in error.problems]
    messages.error(request, "; ".join(map(say, sentences)))
