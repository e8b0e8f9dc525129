"""Log-in at an OpenID Connect provider: the way there, and the way back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core import signing
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_GET
from joserfc.errors import JoseError
from requests import RequestException

from ... import actions
from ...access import brake, oidc, second_factor
from . import preferences

log = logging.getLogger(__name__)
COOKIE = "sgportal_oidc"
TRIP_SECONDS = 600  # that a person may take at the provider
MOST_COOKIE = 3500  # characters: browsers take 4,096 bytes with name and attributes
NEXT = "oidc_next"
MOST_NEXT = 2000  # characters of the address to go to afterwards
# With the database's refusal of a name that came twice at the same moment.
FAULTS = (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, RuntimeError, IntegrityError, DataError)


def _actor(request: HttpRequest, name: str) -> actions.Actor:
    return actions.Actor(name, "oidc", request.META.get("REMOTE_ADDR") or "")


def _kept(request: HttpRequest) -> dict[str, Any]:
    """What this browser keeps while it is at the provider."""
    try:
        return dict(signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=TRIP_SECONDS))
    except signing.BadSignature:
        return {}


@contextmanager
def _keeping(request: HttpRequest, kept: dict[str, Any]) -> Iterator[None]:
    """Within this, Authlib keeps state, nonce and verifier there: in a session they would be a row in the database for
    whoever asks."""
    session = request.session
    request.session = kept  # type: ignore[assignment]
    try:
        yield
    finally:
        request.session = session


def _keep(answer: HttpResponse, kept: dict[str, Any], latest: dict[str, Any]) -> None:
    # Of attempts side by side that are too many the last one counts; at worst it is forgotten where to go afterwards.
    for attempts in ({**kept, **latest}, latest, {**latest, NEXT: ""}):
        text = signing.dumps(attempts, salt=COOKIE, compress=True)
        if len(text) <= MOST_COOKIE:
            break
    answer.set_cookie(
        COOKIE,
        text,
        max_age=TRIP_SECONDS,
        path=reverse("oidc-begin"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    if not oidc.is_on():
        raise Http404
    latest = {NEXT: request.GET.get("next", "")[:MOST_NEXT]}
    try:
        with _keeping(request, latest):
            answer: HttpResponse = oidc.client().authorize_redirect(
                request, request.build_absolute_uri(reverse("oidc-end"))
            )
    except FAULTS as error:
        return _refused(request, error)
    _keep(answer, _kept(request), latest)
    return answer


@require_GET
def end(request: HttpRequest) -> HttpResponse:
    """Let in whom the provider names; the session ends soon, so that a change of groups is heard of."""
    if not oidc.is_on():
        raise Http404
    kept = _kept(request)
    try:
        with _keeping(request, kept):
            claims = oidc.claims_of(request)
        user = oidc.take_in(claims)
    except (*FAULTS, oidc.NotTaken) as error:
        return _refused(request, error)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    second_factor.note_proven(request)  # whatever the provider asked for
    # At a time, not after so long without a request: nobody puts it off.
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SGPORTAL_OIDC_SESSION_SECONDS))
    actions.note_log_in(_actor(request, user.get_username()), "log-in")
    place = str(kept.get(NEXT) or "")
    safe = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    answer = redirect(place if safe else settings.LOGIN_REDIRECT_URL)
    if kept.keys() - {NEXT}:  # another attempt in this browser
        _keep(answer, {}, kept)
    else:
        answer.delete_cookie(COOKIE, path=reverse("oidc-begin"), samesite="Lax")
    preferences.restore(answer, user)
    return answer


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("log-in at the OpenID Connect provider failed: %s: %.500r", type(error).__name__, str(error))
    try:
        brake.begin(request, f"oidc from {request.META.get('REMOTE_ADDR')}")  # by address: nobody locks others out
    except brake.Braked as braked:
        if braked.first:
            actions.note_log_in(_actor(request, ""), "login-refused")
    else:
        actions.note_log_in(_actor(request, ""), "login-failed")
    messages.error(request, gettext("Single sign-on failed. Try again, or ask an administrator."))
    return redirect("login")
