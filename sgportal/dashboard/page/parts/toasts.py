"""What a person is told of a thing done, with what undoes it: a link in the message to a page that shows the plan.

A job on nodes undoes itself by its own address. A change of a grid is undone by what the grid was before, kept in the
session, and only while nobody has changed it since.
"""

import secrets
from datetime import timedelta
from typing import Any

from django import template
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone

from ....models import Grid

register = template.Library()
_TAG = "undo="
_KEPT = 5
_LASTS = timedelta(hours=1)
_PLACE = "undo"


def done(request: HttpRequest, text: str, undo: str = "") -> None:
    """Tell that something was done; `undo` is the address of our page that asks, then undoes it."""
    messages.success(request, text, extra_tags=f"{_TAG}{undo}" if undo else "")


@register.filter
def undo_of(message: Message) -> str:
    """The address of the page that undoes what a message tells of, "" where none does."""
    tags = message.extra_tags or ""
    return tags.removeprefix(_TAG) if tags.startswith(_TAG) else ""


def keep(request: HttpRequest, before: dict[str, Any], now: Grid) -> str:
    """Keep in the session what a grid was before it became what it is now; the address that brings it back. The five
    latest changes are kept, each for an hour."""
    token = secrets.token_urlsafe(9)
    kept = dict(list(request.session.get(_PLACE, {}).items())[1 - _KEPT :])
    kept[token] = {"before": before, "path": now.path, "etag": now.etag, "at": timezone.now().timestamp()}
    request.session[_PLACE] = kept
    return reverse("grid-undo", args=[now.grid_kind.plural, now.namespace, now.name, token])


def recall(request: HttpRequest, token: str, path: str) -> tuple[dict[str, Any], str]:
    """What the grid at a path was before, and the ETag that it must still have. Raises Http404 where that is not kept.
    It stays: the ETag sees to it that nothing is undone twice, and what failed on the way can be sent again."""
    found = request.session.get(_PLACE, {}).get(token)
    if found is None or found["path"] != path or timezone.now().timestamp() - found["at"] > _LASTS.total_seconds():
        raise Http404
    return found["before"], found["etag"]
