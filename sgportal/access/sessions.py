"""The sessions of a person: where they are logged in, and ending one of them.

Django keeps whose a session is only within it, so all that live are read: for a page that is seldom opened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY, user_logged_in
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.dateparse import parse_datetime

ABOUT = "sgportal_about"  # in a session: when, from which address and with which browser it began
MOST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Known:
    """A session of somebody: `id` names it without opening it, `since` is when it began (None: not known)."""

    id: str
    since: datetime | None
    address: str
    agent: str
    expires: datetime

    @property
    def browser(self) -> str:
        """The browser and the system in short, as far as they can be told from what it calls itself, else ""."""
        versions = dict(re.findall(r"(\w+)/(\d+)", self.agent))
        name = next((word for word in _BROWSERS if word in versions), "")
        system = next((title for word, title in _SYSTEMS.items() if word in self.agent), "")
        return " · ".join(filter(None, (f"{_BROWSERS[name]} {versions[name]}" if name else "", system)))


# What a browser and a system call themselves; of several words the first counts.
_BROWSERS = {
    "MicroMessenger": "WeChat",
    "QQBrowser": "QQ",
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "HeadlessChrome": "Chrome",
    "Version": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@receiver(user_logged_in)
def _remember(request: HttpRequest | None, **_: Any) -> None:
    if request is not None:
        about = {
            "since": timezone.now().isoformat(),
            "address": request.META.get("REMOTE_ADDR") or "",
            "agent": request.headers.get("User-Agent", "")[:MOST_AGENT],
        }
        request.session[ABOUT] = about


def name_of(session_key: str) -> str:
    """What names a session to its owner."""
    return salted_hmac("sgportal.access.sessions", session_key, algorithm="sha256").hexdigest()[:16]


def sessions_of(user: User) -> list[Known]:
    """The living sessions of a person, the latest first."""
    found = []
    for row, content in _living(user):
        about = content.get(ABOUT) or {}
        since = parse_datetime(about.get("since") or "")
        known = Known(name_of(row.pk), since, about.get("address", ""), about.get("agent", ""), row.expire_date)
        found.append(known)
    return sorted(found, key=lambda each: each.since or each.expires, reverse=True)


def end_session(user: User, session: str) -> bool:
    """End this session of a person, by its `id`; whether it was there."""
    keys = [row.pk for row, _ in _living(user) if name_of(row.pk) == session]
    return bool(Session.objects.filter(pk__in=keys).delete()[0])


def end_sessions(user: User, but: str | None = None) -> int:
    """End every session of a person, `but` the one with this key; how many."""
    return Session.objects.filter(pk__in=[row.pk for row, _ in _living(user) if row.pk != but]).delete()[0]


def _living(user: User) -> Iterator[tuple[Session, dict[str, Any]]]:
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        content = row.get_decoded()
        if content.get(SESSION_KEY) == str(user.pk):
            yield row, content
