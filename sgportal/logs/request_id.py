"""What names one request, whoever answers it and whatever work it leads to."""

import re
import uuid

from django.http import HttpRequest

HEADER = "X-Request-Id"
_GOOD = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def request_named(text: object) -> str:
    """An id of a request that came with a message; "" for what is none: others may write to a broker, too."""
    return text if isinstance(text, str) and _GOOD.fullmatch(text) else ""


def request_id(request: HttpRequest) -> str:
    """The request's id: the caller's own where it is well-formed, else a new one; the same for the whole request."""
    found = getattr(request, "portal_id", None)
    if found is None:
        given = request.headers.get(HEADER, "")
        found = given if _GOOD.fullmatch(given) else uuid.uuid4().hex
        request.portal_id = found  # type: ignore[attr-defined]
    return str(found)
