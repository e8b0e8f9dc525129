"""A selection of nodes as a snapshot on the server: the very names the person saw, never "whatever matches by now"."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.http import Http404, HttpRequest
from django.utils import timezone

_KEPT = 5
_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Selection:
    """The names of nodes somebody chose; `token` names the selection in URLs."""

    token: str
    names: tuple[str, ...]


def keep(request: HttpRequest, names: Iterable[str]) -> Selection:
    """Remember these names in the session; the five latest selections are kept, each for an hour."""
    selection = Selection(secrets.token_urlsafe(9), tuple(dict.fromkeys(names)))
    kept = dict(list(request.session.get("selections", {}).items())[1 - _KEPT :])
    kept[selection.token] = {"names": list(selection.names), "at": timezone.now().timestamp()}
    request.session["selections"] = kept
    return selection


def recall(request: HttpRequest, token: str) -> Selection:
    """The selection of this token. Raises Http404 where it is unknown or older than an hour."""
    found = request.session.get("selections", {}).get(token)
    if found is None or timezone.now().timestamp() - found["at"] > _LASTS.total_seconds():
        raise Http404
    return Selection(token, tuple(found["names"]))
