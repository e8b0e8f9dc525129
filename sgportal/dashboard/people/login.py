"""Log-in, log-out and a change of one's password: every form that asks for a password, each attempt audited."""

from typing import Any

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ... import actions
from ...access import brake, device, oidc, second_factor
from ..page.access import needs
from ..page.render import clean
from . import preferences

NAME = 150  # characters of a user name
CODE = 100  # of a code of a second factor, however it is typed


def _actor(request: HttpRequest, name: str) -> actions.Actor:
    return actions.Actor(clean(name)[:NAME], "page", request.META.get("REMOTE_ADDR") or "")


def too_many(request: HttpRequest, name: str, braked: brake.Braked) -> HttpResponse:
    """The page that says how long to wait; the first is in the audit trail."""
    if braked.first:
        actions.note_log_in(_actor(request, name), "login-refused")
    seconds = max(1, int(braked.seconds))
    context = {"minutes": -(-seconds // 60), "bare": not request.user.is_authenticated}
    answer = render(request, "registration/throttled.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


class Login(views.LoginView):
    """Django's log-in; the brake sits in the check of the password (`access.backend`)."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the name of the provider to log in at, if there is one."""
        provider = settings.SGPORTAL_OIDC_NAME if oidc.is_on() else ""
        return super().get_context_data(bare=True, provider=provider, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Tell apart a wrong password from too many of them."""
        name = form.cleaned_data.get("username", "")
        braked = getattr(self.request, "braked", None)
        if braked:
            return too_many(self.request, name, braked)
        if name and form.cleaned_data.get("password"):
            actions.note_log_in(_actor(self.request, name), "login-failed")
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let in, or ask for a code who has a second factor."""
        user, place = form.get_user(), self.get_success_url()
        if second_factor.has(user):
            second_factor.wait_for_code(self.request, user, place)
            return redirect("login-code")
        return _let_in(self.request, user, place)


def _let_in(request: HttpRequest, user: Any, place: str) -> HttpResponse:
    """Begin a session; remember the browser, and bring the person's language and theme along."""
    second_factor.end_wait(request)
    auth.login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    answer = redirect(place)
    name = user.get_username()
    actions.note_log_in(_actor(request, name), "log-in")
    device.remember(request, answer, name)
    preferences.restore(answer, user)
    return answer


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: a code of whoever showed the right password in this browser a moment ago."""
    waiting = second_factor.waiting(request)
    if waiting is None:
        return redirect("login")
    user, place = waiting
    if request.method != "POST" or not typed_code(request):
        return render(request, "registration/code.html", {"bare": True})
    try:
        kind = take_code(request, user)
    except brake.Braked as braked:
        return too_many(request, user.get_username(), braked)
    if not kind:
        return render(request, "registration/code.html", {"bare": True, "wrong": True})
    answer = _let_in(request, user, place)
    second_factor.note_proven(request)
    if kind == "recovery":
        actions.note_log_in(_actor(request, user.get_username()), "recovery-code-used")
    return answer


def typed_code(request: HttpRequest) -> str:
    """The code that a form brings."""
    return clean(request.POST.get("code", ""))[:CODE]


def take_code(request: HttpRequest, user: Any) -> second_factor.Kind:
    """Take the code that a form brings; "" for a wrong one, which is counted and in the audit trail. Raises Braked."""
    attempt = brake.begin_code(request, user)
    kind = second_factor.spend(user, typed_code(request))
    if kind:
        attempt.passed()
    else:
        actions.note_log_in(_actor(request, user.get_username()), "login-failed")
    return kind


class Logout(views.LogoutView):
    """Django's log-out."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session."""
        name = request.user.get_username() if request.user.is_authenticated else ""
        answer = super().post(request, *args, **kwargs)
        if name:
            actions.note_log_in(_actor(request, name), "log-out")
        return answer


class Password(views.PasswordChangeView):
    """A change of one's own password. The old one is asked for, and braked like a log-in: a session left open does not
    help to guess it."""

    template_name = "registration/password.html"
    success_url = reverse_lazy("profile")

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Count the attempt, then look at the passwords."""
        name = request.user.get_username()
        try:
            attempt = brake.begin(request, name)
        except brake.Braked as braked:
            return too_many(request, name, braked)
        form = self.get_form()
        valid = form.is_valid()
        if "old_password" not in form.errors:
            attempt.passed()
        elif request.POST.get("old_password"):
            actions.note_log_in(_actor(request, name), "login-failed")
        return self.form_valid(form) if valid else self.form_invalid(form)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Set the password; this session goes on, all others and the tokens end."""
        answer = super().form_valid(form)
        actions.note_log_in(_actor(self.request, self.request.user.get_username()), "password-changed")
        messages.success(
            self.request, gettext("Password changed. Your other sessions have ended and your API tokens are revoked.")
        )
        return answer


password = needs("viewer", "units")(Password.as_view())  # type: ignore[arg-type]
