"""What a caller is told when something is wrong: `application/problem+json` (RFC 9457), in the caller's language."""

import logging
import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, serializers

from ... import actions
from ...core.documents import TOO_LARGE
from ...core.text import Invalid, Problem, Sentence, say
from ...logs.request_id import HEADER, request_id
from ...reconciler.live.errors import NoLog, NotAllowed, NotRun
from .shapes import Count, Said, Shape

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class Refusal(Exception):
    """An answer other than success: its status, what would be right, the fields at fault, headers."""

    def __init__(
        self,
        status: int,
        sentence: Sentence,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(str(sentence))
        self.status, self.sentence, self.problems = status, sentence, tuple(problems)
        self.headers = dict(headers or {})


class ErrorSerializer(Shape):
    """A field at fault by its JSON pointer, and what would be right."""

    pointer = serializers.CharField()
    detail = Said(source="sentence")


UNREADABLE = say("the request cannot be parsed")
TRY_LATER = say("the database does not respond; try again later")
_INVALID = say("invalid input; see “errors”")
_BODY = say("the body cannot be parsed; see “errors”")
_NOTHING_HERE = say("there is no resource at this address")
_BROKEN = say("internal server error; the log has details under the request id")


DATABASE = Refusal(503, TRY_LATER, headers={"Retry-After": "2"})


def unreadable(invalid: Invalid) -> Refusal:
    """The refusal of a body that cannot be read at all."""
    return Refusal(400, _BODY, invalid.problems)


def invalid(*problems: Problem) -> Refusal:
    """The refusal of an input that can be read and is wrong."""
    return Refusal(422, _INVALID, problems)


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an error amounts to, or None for what nobody foresaw."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Invalid):
        return invalid(*error.problems)
    return _action_refusal(error) or _framework_refusal(error)


def _action_refusal(error: Exception) -> Refusal | None:
    if isinstance(error, actions.AlreadyExists):
        return Refusal(409, error.sentence)
    if isinstance(error, actions.Stale):
        return Refusal(412, say("the object has been modified; read it again"))
    if isinstance(error, actions.NotFound):
        return Refusal(404, say("“%(name)s” not found", name=str(error)))
    if isinstance(error, actions.Forbidden | NotAllowed):
        return Refusal(403, error.sentence)
    if isinstance(error, actions.Refused | NoLog | NotRun):
        return Refusal(409, error.sentence)
    if isinstance(error, actions.Unavailable):
        wait = str(math.ceil(error.retry_after))
        return Refusal(503, say("the cluster is unreachable"), headers={"Retry-After": wait})
    if isinstance(error, OperationalError):
        return DATABASE
    return None


def _framework_refusal(error: Exception) -> Refusal | None:
    if isinstance(error, Http404 | exceptions.NotFound):
        return Refusal(404, _NOTHING_HERE)
    if isinstance(error, RequestDataTooBig):
        return Refusal(413, TOO_LARGE)
    if isinstance(error, PermissionDenied):
        return Refusal(403, _DRF[403])
    if isinstance(error, SuspiciousOperation):
        return Refusal(400, UNREADABLE)
    if isinstance(error, exceptions.APIException):
        return _drf_refusal(error)
    return None


_DRF = {
    401: say("log in, or send a valid token as “Authorization: Bearer …”"),
    403: say("permission denied"),
    405: say("method not allowed; the header “Allow” lists the supported ones"),
    406: say("only application/json and application/yaml are supported"),
    429: say("too many requests; wait for the time in the header “Retry-After”"),
}


def _drf_refusal(error: exceptions.APIException) -> Refusal:
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Refusal(error.status_code, _DRF.get(error.status_code, UNREADABLE), (), headers)


class _Told(NamedTuple):
    """A refusal of a request."""

    refusal: Refusal
    request: HttpRequest


class ProblemSerializer(Shape):
    """RFC 9457. `errors` names each field at fault by its JSON pointer and says what would be right."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = Count(source="refusal.status")
    detail = Said(source="refusal.sentence")
    instance = serializers.CharField(source="request.path")
    requestId = serializers.CharField()
    errors = ErrorSerializer(many=True, required=False)  # type: ignore[assignment]

    def get_type(self, _told: _Told) -> str:
        """RFC 9457, 4.2.1: the status says all."""
        return "about:blank"

    def get_title(self, told: _Told) -> str:
        """What RFC 9457 asks for beside about:blank."""
        return HTTPStatus(told.refusal.status).phrase

    def get_request_id(self, told: _Told) -> str:
        """The request's id, which the log has, too."""
        return request_id(told.request)

    def get_errors(self, told: _Told) -> tuple[Problem, ...] | None:
        """The fields at fault, if any are known."""
        return told.refusal.problems or None


def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal as an HTTP answer."""
    body = ProblemSerializer.of(_Told(refusal, request))
    headers = {"Cache-Control": "no-store", HEADER: request_id(request), **refusal.headers}
    return HttpResponse(orjson.dumps(body), CONTENT_TYPE, refusal.status, headers=headers)


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to what nobody foresaw."""
    return answer(request, Refusal(500, _BROKEN))


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Django REST framework's hook: every error becomes a problem, none shows a stack trace."""
    request = context["request"]._request
    refusal = refusal_of(error)
    if refusal is None:
        log.error("%s %s [%s]: not foreseen", request.method, request.path, request_id(request), exc_info=error)
        return broken(request)
    return answer(request, refusal)


@csrf_exempt  # it changes nothing; without this a caller with a token would get Django's own page
def nothing_here(request: HttpRequest) -> HttpResponse:
    """The answer for an address nobody knows."""
    return answer(request, Refusal(404, _NOTHING_HERE))
