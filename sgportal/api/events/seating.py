"""How a call that streams gets its seat."""

from django.core.handlers.asgi import ASGIRequest
from rest_framework.request import Request

from ...core.text import Sentence, say
from ..http.problems import Refusal
from .seats import SEAT, Seat, Streams
from .streams import is_closing


def seated(request: Request, full: Sentence, streams: Streams | None = None) -> Seat:
    """The seat of a request among these streams (None: of events, of which a user may have any number), taken now.
    Raises Refusal, with the sentence `full`, where there is none: 429 where the user has as many as one may have, else
    503."""
    raw, user = request._request, str(request.user.pk) if streams else ""
    if not isinstance(raw, ASGIRequest):
        raise Refusal(503, say("this server does not support streaming"), headers={"Retry-After": "60"})
    seat: Seat = raw.scope[SEAT]
    if is_closing() or not seat.take(streams, user):
        too_many = streams is not None and Seat.taken(streams, user) >= streams.each
        raise Refusal(429 if too_many else 503, full, headers={"Retry-After": "10"})
    return seat
