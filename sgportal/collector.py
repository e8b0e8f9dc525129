"""Writes are answered while the garbage collector rests: a plan's objects are kept until its answer is written."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from .queries.per_unit.uncollected import uncollected

_READS = ("GET", "HEAD", "OPTIONS")


@sync_and_async_middleware
def resting(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django middleware, to stand last."""
    if iscoroutinefunction(get_response):

        async def answered_async(request: HttpRequest) -> HttpResponseBase:
            with _rest(request):
                found: HttpResponseBase = await get_response(request)
            return found

        return answered_async

    def answered(request: HttpRequest) -> HttpResponseBase:
        with _rest(request):
            found: HttpResponseBase = get_response(request)
        return found

    return answered


def _rest(request: HttpRequest) -> AbstractContextManager[None]:
    return nullcontext() if request.method in _READS else uncollected()
