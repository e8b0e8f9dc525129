"""Each request has an id, which its answer names and its lines in the log carry, and one line when it is answered."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from .. import tracing
from .context import within_request
from .request_id import HEADER, request_id

log = logging.getLogger(__name__)
SELDOM_WANTED = ("/healthz", "/readyz", "/metrics", "/static/")  # every few seconds, or dozens for one page


@sync_and_async_middleware
def identified(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django middleware, to stand first."""
    if iscoroutinefunction(get_response):

        async def answered_async(request: HttpRequest) -> HttpResponseBase:
            began = time.monotonic()
            with within_request(request), _traced(request) as span:
                waited: Awaitable[HttpResponseBase] = get_response(request)
                return _noted(request, await waited, began, span)

        return answered_async

    def answered(request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        with within_request(request), _traced(request) as span:
            return _noted(request, get_response(request), began, span)

    return answered


def _traced(request: HttpRequest) -> AbstractContextManager[tracing.Span]:
    """A span of the request, part of the caller's trace where it names one; without the query, and of the path only
    which of ours it is, since an address may be a secret of its own."""
    if not tracing.is_on() or request.path.startswith(SELDOM_WANTED):
        return nullcontext(tracing.NOTHING)
    told = {"http__request__method": request.method or "", "sgportal__request_id": request_id(request)}
    parent = request.headers.get("traceparent", "")
    return tracing.span(
        request.method or "", "SERVER", parent=parent, root=True, url__scheme=request.scheme or "", **told
    )


def _noted(request: HttpRequest, answer: HttpResponseBase, began: float, span: tracing.Span) -> HttpResponseBase:
    answer[HEADER] = request_id(request)
    span.note(http__response__status_code=answer.status_code)
    if answer.status_code >= 500:
        span.fail(str(answer.status_code))
    if request.resolver_match:
        span.note(http__route=f"/{request.resolver_match.route}")
        span.rename(f"{request.method} /{request.resolver_match.route}")
    level = logging.DEBUG if request.path.startswith(SELDOM_WANTED) else logging.INFO
    took = (time.monotonic() - began) * 1000
    log.log(level, "%s %s %s in %.0f ms", request.method, request.path, answer.status_code, took)
    return answer
