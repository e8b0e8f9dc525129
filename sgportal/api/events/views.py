"""The stream of what changes, as a REST call."""

from django.db import connections
from django.http.response import HttpResponseBase
from rest_framework import renderers
from rest_framework.request import Request

from ...access.callers import caller_of
from ...access.scope import granted_for
from ...core.text import say
from ...models import Journal
from ...models.people import Bearer
from ...models.scopes.current import reading
from ..description.operations import Parameter, operation
from ..http.auth import rights
from ..views import PortalView
from .answer import EventStream
from .seating import seated
from .streams import BACKLOG, Change, changes_after, stream


class EventStreamRenderer(renderers.BaseRenderer):
    """`text/event-stream`; it only takes part in content negotiation."""

    media_type = "text/event-stream"
    format = "events"


LAST = Parameter("lastEventId", "As the header `Last-Event-ID`, for the first connection of an EventSource.")


class Events(PortalView):
    """The stream of what changes."""

    scoped = "units"

    http_method_names = ("get",)
    renderer_classes = (EventStreamRenderer,)

    @operation("Follow what changes", takes=(LAST,), answers={200: EventStreamRenderer.media_type})
    def get(self, request: Request) -> HttpResponseBase:
        """Server-sent events: `id` is the journal's revision, data is `{kind, key}`. Reconnect with `Last-Event-ID` to
        go on where you were; `event: resync` says that too much was missed: read afresh. `event: beat` comes every two
        seconds in which nothing changed: a stream without one is lost."""
        seated(request, say("too many streams are open; try again later"))
        start = _start(request.headers.get("Last-Event-ID") or self.query["lastEventId"])
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        caller = caller_of(request._request, request.auth if isinstance(request.auth, Bearer) else None)
        told = stream(*start, reading(), granted_for(rights(request)), caller)
        connections.close_all()  # a stream lasts for minutes; the hub asks for all of them
        return EventStream(told, headers=headers)


def _start(last: str) -> tuple[int, list[Change], bool]:
    """Where a stream begins, what its caller missed, and whether that is more than can be told."""
    newest = Journal.newest()
    if not last:
        return newest, [], False
    oldest = Journal.objects.order_by("pk").values_list("pk", flat=True).first() or 0
    if not (last.isascii() and last.isdecimal()) or not oldest - 1 <= int(last[:18]) <= newest:
        return newest, [], True
    missed = changes_after(int(last), BACKLOG + 1)
    return max([newest, *(change.id for change in missed)]), missed, len(missed) > BACKLOG
