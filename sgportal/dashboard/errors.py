"""Our own page for an error of ours."""

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string


def broken(_request: HttpRequest) -> HttpResponse:
    """The page for an error of ours; it asks nothing of the database, which may be the cause."""
    return HttpResponseServerError(render_to_string("500.html"))
