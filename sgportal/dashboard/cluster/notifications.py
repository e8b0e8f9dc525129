"""The page *Notifications*: where they go, another channel, a test."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.access.notices import TOPICS
from ...core.grids.kinds import KINDS
from ...core.text import Invalid
from ...models import NotificationChannel
from ...reconciler.notices.send import service_of
from ..page.access import actor, needs
from ..page.export import Columns, as_csv, wants_csv
from ..page.render import clean, names, show, warn_of

# Never the URL: it is a secret.
_COLUMNS: Columns = {
    "name": lambda channel: channel.name,
    "service": lambda channel: service_of(channel.url),
    "topics": lambda channel: channel.topics,
    "language": lambda channel: channel.language,
    "namespaces": lambda channel: channel.namespaces,
    "kinds": lambda channel: channel.kinds,
    "nodeGroup": lambda channel: channel.key,
    "nodeUnits": lambda channel: channel.units,
    "unitSelector": lambda channel: channel.selector,
    "sentAt": lambda channel: channel.sent_at and channel.sent_at.isoformat(),
    "error": lambda channel: channel.error,
}

_TEXTS = ("name", "url", "language", "nodeGroup", "unitSelector")


@needs("admin")
def channels(request: HttpRequest) -> HttpResponse:
    """Show the channels, without their URLs."""
    if wants_csv(request):
        return as_csv(request, "channels", _COLUMNS, NotificationChannel.objects.all())
    rows = [(each, service_of(each.url), each.topics.split()) for each in NotificationChannel.objects.all()]
    context = {"channels": rows, "topics": TOPICS, "languages": settings.LANGUAGES, "kinds": KINDS}
    return show(request, "notifications/list.html", context)


@require_POST
@needs("admin")
def add(request: HttpRequest) -> HttpResponse:
    """Add a channel."""
    given = request.POST
    asked: dict[str, Any] = {name: clean(given.get(name, "")) for name in _TEXTS}
    asked |= {name: names(given.get(name, "")) for name in ("namespaces", "nodeUnits")}
    asked |= {name: [clean(each) for each in given.getlist(name)] for name in ("topics", "kinds")}
    asked["resolved"] = "resolved" in given
    try:
        row = actions.add_channel(asked, actor(request))
    except Invalid as invalid:
        warn_of(request, invalid)
    else:
        messages.success(request, gettext("Channel “%(name)s” added.") % {"name": row.name})
    return redirect("notifications")


@require_POST
@needs("admin")
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a test sent."""
    row = get_object_or_404(NotificationChannel, pk=pk)
    actions.try_channel(row, actor(request))
    messages.success(request, gettext("A test is being sent. The result appears here."))
    return redirect("notifications")


@require_POST
@needs("admin")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a channel."""
    row = get_object_or_404(NotificationChannel, pk=pk)
    actions.remove_channel(row, actor(request))
    messages.success(request, gettext("Channel “%(name)s” removed.") % {"name": row.name})
    return redirect("notifications")
