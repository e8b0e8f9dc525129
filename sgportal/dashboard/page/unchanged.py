"""Pages that the browser has already: while nothing happened, they are neither read nor sent again."""

from collections.abc import Callable
from functools import wraps

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from ...queries.revision import is_known, revision_tag
from .access import fresh, role
from .render import as_page

View = Callable[[HttpRequest], HttpResponse]


def unless_unchanged(view: View) -> View:
    """Answer 304 where the browser names what it would be shown. It is for pages that show only what the change log
    tells of, below `needs`: who may not read gets no answer from here."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        # A message is shown once: such a page is neither taken from the browser's store nor kept there.
        if request.method not in ("GET", "HEAD") or len(get_messages(request)):
            return view(request)
        tag = revision_tag(fresh(request), *_reader(request))
        if is_known(tag, request.headers.get("If-None-Match", "")):
            answer = as_page(HttpResponse(status=304))
        else:
            answer = view(request)
        if answer.status_code in (200, 304):
            answer["ETag"] = tag
        return answer

    return answered


def _reader(request: HttpRequest) -> list[object]:
    """Who is shown what: theme, language and the secret behind the page's forms are in cookies."""
    htmx = [request.headers.get(name) for name in ("HX-Request", "HX-Target", "HX-History-Restore-Request")]
    user = request.user.pk, request.user.get_username(), role(request), request.user.is_staff
    return [request.get_full_path(), *htmx, *user, get_language(), sorted(request.COOKIES.items())]
