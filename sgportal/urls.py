"""Where each door is."""

import sys

from django.contrib import admin
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import URLPattern, URLResolver, include, path
from django.views import defaults

from .api.docs.views import Docs
from .api.http import problems
from .api.http.address import BASE
from .api.probes import health, metrics
from .dashboard.fleet.kiosk import is_kiosk
from .dashboard.page.access import needs

ASKS_AGAIN = 10  # seconds after which a page that the database did not answer, or a wall screen, asks again
admin.autodiscover()


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.Metrics.as_view(), name="metrics"),
    path(BASE.removeprefix("/"), include("sgportal.api.urls")),
    path("api/docs/", needs("viewer", "units")(Docs.as_view()), name="docs"),
    path("admin/", admin.site.urls),
    path("", include("sgportal.dashboard.urls")),
]


def _for_machines(request: HttpRequest) -> bool:
    return request.path.startswith(BASE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that cannot be read, at whichever door."""
    if _for_machines(request):
        return problems.answer(request, problems.Refusal(400, problems.UNREADABLE))
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """An error of ours, at whichever door: which may be that the database does not respond."""
    error = sys.exc_info()[1]
    away = isinstance(error, OperationalError)
    if _for_machines(request):
        return problems.answer(request, problems.DATABASE) if away else problems.broken(request)
    sent = request.method not in ("GET", "HEAD")
    page = loader.render_to_string("503_database.html" if away else "500.html", {"sent": sent})
    answer = HttpResponse(page, status=503 if away else 500)
    answer["Cache-Control"] = "no-store"
    if (away or is_kiosk(request)) and not sent:
        answer["Refresh"] = str(ASKS_AGAIN)
    return answer


handler400 = bad_request
handler500 = server_error
