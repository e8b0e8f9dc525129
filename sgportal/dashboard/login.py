"""Log-in with a brake: five failures per user and address within five minutes, whatever process they reach.

Each attempt is a row of the audit trail from the start; success rewrites it. So parallel guesses count as well.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from ..models import AuditEvent
from . import preferences
from .pages import clean

FAILURES = 5
WINDOW = timedelta(minutes=5)
_FAILED, _DONE = "login-failed", "log-in"


def _attempts(user: str, address: str) -> Any:
    recent = AuditEvent.objects.filter(at__gt=timezone.now() - WINDOW, verb=_FAILED)
    return recent.filter(actor=user, path=f"login/{address}").order_by("at")


def _too_many(request: HttpRequest, seconds: float) -> HttpResponse:
    answer = render(request, "registration/throttled.html", {"minutes": -(-int(seconds) // 60)}, status=429)
    answer["Retry-After"] = str(max(1, int(seconds)))
    return answer


class Login(views.LoginView):
    """Django's log-in behind the brake."""

    redirect_authenticated_user = True
    extra_context = {"bare": True}
    attempt: AuditEvent

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Note the attempt, refuse it if there were too many, else let Django decide."""
        user = clean(request.POST.get("username", ""))[:150]
        address = request.META.get("REMOTE_ADDR", "")
        self.attempt = AuditEvent.objects.create(actor=user, door="page", verb=_FAILED, path=f"login/{address}")
        earlier = list(_attempts(user, address).filter(pk__lte=self.attempt.pk))
        if len(earlier) > FAILURES:
            self.attempt.delete()
            return _too_many(request, (earlier[0].at + WINDOW - timezone.now()).total_seconds())
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Rewrite the attempt as a success and bring the person's language and theme along."""
        answer = super().form_valid(form)
        AuditEvent.objects.filter(pk=self.attempt.pk).update(verb=_DONE)
        preferences.restore(answer, form.get_user())
        return answer
