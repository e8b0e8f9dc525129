"""What a person agreed to on a page: the plan whose id the form brings back is the one that is carried out."""

from contextlib import AbstractContextManager, nullcontext

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext

from ...actions import as_planned
from .render import clean

FIELD = "plan"


def as_shown(request: HttpRequest, path: str) -> AbstractContextManager[None]:
    """Within this, a write to the grid at a path (`WHOLE`: to no single grid) raises PlanChanged unless it comes to the
    plan that the form names."""
    shown = clean(request.POST.get(FIELD, ""))
    return as_planned({path: shown}) if shown else nullcontext()


def say_changed(request: HttpRequest) -> None:
    """Tell the person that the plan on the page is another than the one they agreed to."""
    messages.warning(request, gettext("The plan has changed since it was shown. Nothing was changed; review it again."))
