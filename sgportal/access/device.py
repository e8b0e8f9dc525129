"""The browsers in which somebody has logged in before: a signed cookie names the browser and its last users, so that
their attempts are counted apart from everybody else's (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").

The cookie opens nothing; without it, or with one of another site, a person is a stranger as on any new device.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

COOKIE = "device"
SALT = "sgportal.access.device"
DAYS = 180
MOST_USERS = 8


def known_to(request: HttpRequest, name: str) -> str:
    """The browser's number where this user has logged in with it before, else ""."""
    number, users = _read(request)
    return number if _digest(name) in users else ""


def remember(request: HttpRequest, answer: HttpResponse, name: str) -> None:
    """Have the browser remember that this user has logged in with it."""
    number, users = _read(request)
    mine = _digest(name)
    users = [mine, *(each for each in users if each != mine)][:MOST_USERS]
    value = signing.dumps([number or secrets.token_hex(16), users], salt=SALT)
    answer.set_cookie(
        COOKIE,
        value,
        max_age=DAYS * 24 * 3600,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        found: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=DAYS * 24 * 3600)
    except signing.BadSignature:
        return "", []
    number, users = found
    return number, users


def _digest(name: str) -> str:
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()[:16]
