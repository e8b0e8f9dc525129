"""Log-in, log-out and a change of one's password: every form that asks for a password, each attempt audited."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext

from ... import actions
from ...access import brake, device, oidc
from ..page.access import needs
from ..page.render import clean
from . import preferences

NAME = 150  # characters of a user name


def _actor(request: HttpRequest, name: str) -> actions.Actor:
    return actions.Actor(clean(name)[:NAME], "page", request.META.get("REMOTE_ADDR") or "")


def _too_many(request: HttpRequest, name: str, braked: brake.Braked) -> HttpResponse:
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
            return _too_many(self.request, name, braked)
        if name and form.cleaned_data.get("password"):
            actions.note_log_in(_actor(self.request, name), "login-failed")
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let in; remember the browser, and bring the person's language and theme along."""
        answer = super().form_valid(form)
        name = form.get_user().get_username()
        actions.note_log_in(_actor(self.request, name), "log-in")
        device.remember(self.request, answer, name)
        preferences.restore(answer, form.get_user())
        return answer


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
            return _too_many(request, name, braked)
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
