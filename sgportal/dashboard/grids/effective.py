"""What a NodeUnit's child should be, and where each of its fields is written."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from ...core.plans.per_unit.layers import NotPossible
from ...core.text import Invalid
from ...queries.per_unit.effective import effective_of
from ..page.access import needs
from .address import grid_at
from .views import show_grid


@needs("viewer", "grids")
def effective(request: HttpRequest, plural: str, namespace: str, name: str, unit: str) -> HttpResponse:
    """The effective spec of one NodeUnit, value by value."""
    found = grid_at(plural, namespace, name)
    if found.kind == "ServiceGrid":
        raise Http404
    context: dict[str, Any] = {"unit": unit}
    try:
        context["effective"] = effective_of(found, unit)
    except NotPossible as why:
        context["why"] = why.sentence
    except Invalid as invalid:
        context["problems"] = invalid.problems
    if context.get("effective", unit) is None:
        raise Http404
    return show_grid(request, found, "per_unit/effective", context)
