"""How old the news is, for the page's own clock and for the badge in the corner."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from .access import needs
from .render import show

# (below how many seconds, seconds per unit, text): the page's script reads the same texts, so both say the same.
AGE_UNITS: tuple[tuple[int | None, int, Any], ...] = (
    (120, 1, gettext_lazy("%(n)s s ago")),
    (7200, 60, gettext_lazy("%(n)s min ago")),
    (172800, 3600, gettext_lazy("%(n)s h ago")),
    (None, 86400, gettext_lazy("%(n)s d ago")),
)


@needs("viewer")
def pulse(request: HttpRequest) -> HttpResponse:
    """Only the line that says how fresh the news is; every page asks for it when the cluster's state changes."""
    return show(request, "components/freshness.html")
