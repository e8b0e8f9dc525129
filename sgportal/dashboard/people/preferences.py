"""Language and theme: in cookies, so that they hold before log-in too, and in a row, so that they follow the person."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST

from ...models import Preference
from ..page.render import back

THEMES = ("auto", "light", "dark")
_COOKIE = "theme"
_YEAR = 365 * 24 * 3600


def theme(request: HttpRequest) -> str:
    """The theme chosen in this browser."""
    chosen = request.COOKIES.get(_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remember a choice of language or theme."""
    answer = back(request)
    language, chosen = request.POST.get("language", ""), request.POST.get("theme", "")
    language = language if language in dict(settings.LANGUAGES) and check_for_language(language) else ""
    chosen = chosen if chosen in THEMES else ""
    put(answer, language, chosen)
    if request.user.is_authenticated:
        row, _ = Preference.objects.get_or_create(user=request.user)
        row.language, row.theme = language or row.language, chosen or row.theme
        row.save()
    return answer


def put(answer: HttpResponse, language: str, chosen: str) -> None:
    """Set the cookies of what was chosen ("" leaves a cookie alone)."""
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, language), (_COOKIE, chosen)):
        if value:
            answer.set_cookie(
                name, value, max_age=_YEAR, samesite="Lax", httponly=True, secure=settings.SESSION_COOKIE_SECURE
            )


def restore(answer: HttpResponse, user: AbstractBaseUser) -> None:
    """After log-in: this person's choices, from wherever they were made."""
    row = Preference.objects.filter(user_id=user.pk).first()
    if row:
        put(answer, row.language, row.theme)
