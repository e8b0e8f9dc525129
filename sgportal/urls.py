"""Where each door is."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views import defaults

from .api.docs.views import Docs
from .api.http import problems
from .api.http.address import BASE
from .api.probes import health, metrics
from .dashboard.page.access import needs

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
    """An error of ours, at whichever door."""
    return problems.broken(request) if _for_machines(request) else defaults.server_error(request)


handler400 = bad_request
handler500 = server_error
