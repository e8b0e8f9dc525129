"""Log-in at an OpenID Connect provider: the way there, and the way back."""

import logging
from datetime import timedelta

from authlib.common.errors import AuthlibBaseError
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
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
from ...access import brake, oidc
from . import preferences

log = logging.getLogger(__name__)
NEXT = "oidc_next"
MOST_NEXT = 2000  # characters of the address to go to afterwards
# With the database's refusal of a name that came twice at the same moment.
FAULTS = (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, RuntimeError, IntegrityError, DataError)


def _actor(request: HttpRequest, name: str) -> actions.Actor:
    return actions.Actor(name, "oidc", request.META.get("REMOTE_ADDR") or "")


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    if not oidc.is_on():
        raise Http404
    request.session[NEXT] = request.GET.get("next", "")[:MOST_NEXT]
    try:
        answer: HttpResponse = oidc.client().authorize_redirect(
            request, request.build_absolute_uri(reverse("oidc-end"))
        )
    except FAULTS as error:
        return _refused(request, error)
    return answer


@require_GET
def end(request: HttpRequest) -> HttpResponse:
    """Let in whom the provider names; the session ends soon, so that a change of groups is heard of."""
    if not oidc.is_on():
        raise Http404
    try:
        user = oidc.take_in(oidc.claims_of(request))
    except (*FAULTS, oidc.NotTaken) as error:
        return _refused(request, error)
    place = request.session.pop(NEXT, "")
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    # At a time, not after so long without a request: nobody puts it off.
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SGPORTAL_OIDC_SESSION_SECONDS))
    actions.note_log_in(_actor(request, user.get_username()), "log-in")
    safe = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    answer = redirect(place if safe else settings.LOGIN_REDIRECT_URL)
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
