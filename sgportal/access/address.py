"""The address a request comes from: what a trusted proxy says of it, and nobody else.

Everything behind this middleware reads `REMOTE_ADDR`: the brake on log-ins, the throttles, the audit trail.
"""

import logging
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from ..core.addresses import client_of, is_trusted

log = logging.getLogger(__name__)
_MOST_TOLD = 20
_told: set[str] = set()


@sync_and_async_middleware
def client_address(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django middleware, to stand first: settles `REMOTE_ADDR`, and takes away what only a proxy may say."""
    if iscoroutinefunction(get_response):

        async def settled_async(request: HttpRequest) -> HttpResponseBase:
            _settle(request)
            answer: Awaitable[HttpResponseBase] = get_response(request)
            return await answer

        return settled_async

    def settled(request: HttpRequest) -> HttpResponseBase:
        _settle(request)
        answer: HttpResponseBase = get_response(request)
        return answer

    return settled


def _settle(request: HttpRequest) -> None:
    meta, trusted = request.META, settings.SGPORTAL_TRUSTED_PROXIES
    peer, forwarded = meta.get("REMOTE_ADDR") or "", meta.pop("HTTP_X_FORWARDED_FOR", "")
    meta["REMOTE_ADDR"] = client_of(peer, forwarded, trusted)
    if is_trusted(peer, trusted):
        return
    if forwarded:
        _tell_once(peer)
    if not settings.SGPORTAL_TRUST_PROXY:
        meta.pop("HTTP_X_FORWARDED_PROTO", None)


def _tell_once(peer: str) -> None:
    """A proxy that is not known makes all clients look like one: say so in the log."""
    if peer not in _told and len(_told) < _MOST_TOLD:
        _told.add(peer)
        log.warning("X-Forwarded-For from %s is not believed; is it a proxy? see SGPORTAL_TRUSTED_PROXIES", peer)
