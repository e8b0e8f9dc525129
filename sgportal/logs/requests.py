"""Each request has an id, which its answer names and its lines in the log carry, and one line when it is answered."""

import logging
import time
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

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
            with within_request(request):
                waited: Awaitable[HttpResponseBase] = get_response(request)
                return _noted(request, await waited, began)

        return answered_async

    def answered(request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        with within_request(request):
            return _noted(request, get_response(request), began)

    return answered


def _noted(request: HttpRequest, answer: HttpResponseBase, began: float) -> HttpResponseBase:
    answer[HEADER] = request_id(request)
    level = logging.DEBUG if request.path.startswith(SELDOM_WANTED) else logging.INFO
    took = (time.monotonic() - began) * 1000
    log.log(level, "%s %s %s in %.0f ms", request.method, request.path, answer.status_code, took)
    return answer
