"""How old the news is, for the page's own clock and for the badge in the corner."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from .access import needs
from .render import show
from .unchanged import shared_by_all

# (below how many seconds, seconds per unit, how long ago, how long): the page's script reads the same texts.
AGE_UNITS: tuple[tuple[int | None, int, Any, Any], ...] = (
    (120, 1, gettext_lazy("%(n)ss ago"), gettext_lazy("%(n)ss")),
    (7200, 60, gettext_lazy("%(n)sm ago"), gettext_lazy("%(n)sm")),
    (172800, 3600, gettext_lazy("%(n)sh ago"), gettext_lazy("%(n)sh")),
    (None, 86400, gettext_lazy("%(n)sd ago"), gettext_lazy("%(n)sd")),
)


@needs("viewer", "units")
@shared_by_all
def pulse(request: HttpRequest) -> HttpResponse:
    """Only the line that says how fresh the news is; every page asks for it when the cluster's state changes."""
    return show(request, "components/freshness.html")
