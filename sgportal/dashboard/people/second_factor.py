"""A person's page on their second factor: taking one on, new recovery codes, taking it away."""

from typing import Any, cast

import segno
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from ... import actions
from ...access import brake, second_factor
from ...models import SecondFactor
from ..page.access import actor, needs
from ..page.render import show
from .login import take_code, too_many, typed_code

MOST_OFFER = 1000


def _local(request: HttpRequest) -> User:
    """Whoever is logged in. Raises Http404 for whom a provider knows, who has no password here."""
    user = cast(User, request.user)
    if not user.has_usable_password():
        raise Http404
    return user


def _shown(request: HttpRequest, **context: Any) -> HttpResponse:
    """The page as it is for a person now."""
    user = _local(request)
    context |= {"row": SecondFactor.objects.filter(user=user).first(), "asked": second_factor.is_asked(request)}
    if context["row"] is None:
        its = context.get("offer") or second_factor.offer(user)
        picture = segno.make(its.uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")
        context |= {"offer": its, "picture": picture}
    answer = show(request, "people/second_factor.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@sensitive_post_parameters("code", "password", "offer")
@needs("viewer", "units", password_alone=True)
def own(request: HttpRequest) -> HttpResponse:
    """What one has; with the password and a first code, taking one on. The password is braked like at the log-in."""
    user = _local(request)
    if request.method != "POST" or second_factor.has(user):
        return _shown(request)
    its = second_factor.offered(user, request.POST.get("offer", "")[:MOST_OFFER])
    if its is None:
        messages.warning(request, gettext("That took too long. Scan the new code."))
        return redirect("second-factor")
    try:
        attempt = brake.begin(request, user.get_username())
    except brake.Braked as braked:
        return too_many(request, user.get_username(), braked)
    if not user.check_password(request.POST.get("password", "")):
        actions.note_log_in(actor(request), "login-failed")
        return _shown(request, offer=its, wrong="password")
    attempt.passed()
    codes = actions.add_second_factor(user, its, typed_code(request), request.session.session_key, actor(request))
    if codes is None:
        return _shown(request, offer=its, wrong="code")
    request.session.cycle_key()  # who knows the key that the password alone began is out, too
    second_factor.note_proven(request)
    return _shown(request, codes=codes)


def _spent(request: HttpRequest, user: User) -> HttpResponse | None:
    """Take the code that was typed; the page to answer with where it is wrong."""
    try:
        return None if take_code(request, user) else _shown(request, wrong="code")
    except brake.Braked as braked:
        return too_many(request, user.get_username(), braked)


@require_POST
@sensitive_post_parameters("code")
@needs("viewer", "units")
def renew(request: HttpRequest) -> HttpResponse:
    """New recovery codes, shown this once, for a code."""
    user = _local(request)
    refused = _spent(request, user)
    return refused or _shown(request, codes=actions.renew_recovery_codes(user, actor(request)))


@require_POST
@sensitive_post_parameters("code")
@needs("viewer", "units")
def remove(request: HttpRequest) -> HttpResponse:
    """Go back to the password alone, for a code; not who must have a second factor."""
    user = _local(request)
    if second_factor.is_asked(request):
        messages.warning(request, gettext("Your role requires a second factor."))
        return redirect("second-factor")
    refused = _spent(request, user)
    if refused is None:
        actions.remove_second_factor(user, request.session.session_key, actor(request))
        second_factor.note_proven(request, False)
        messages.success(request, gettext("Second factor removed."))
    return refused or redirect("profile")
