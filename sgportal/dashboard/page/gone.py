"""What a page says of a thing that was there and is not any more: who deleted it, and how to get it back."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from ...models import AuditEvent, Revision
from ...models.scopes.current import reading

SHOWN = 5  # revisions to choose from
PANEL = "gone"  # the id of the element that asks whether the thing is back


class Gone(Http404):
    """Nothing is at an address that may have held a grid; `path` is the grid's."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def gone(request: HttpRequest, error: Http404) -> HttpResponse:
    """The answer for what is not there: a whole page, or, for a page that was open when the thing went, its content."""
    context = _history(error.path) if isinstance(error, Gone) and reading().is_all else {}
    if not getattr(request, "htmx", None):
        return render(request, "404.html", context, status=404)
    answer = render(request, "404.html#panel", context, status=404)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#main", "innerHTML"
    return answer


def is_back(request: HttpRequest) -> bool:
    """Whether a page that shows that its thing is gone asks, and may be told to open it again."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and htmx.target == PANEL


def _history(path: str) -> dict[str, object]:
    """Who deleted the grid last, and its revisions, the latest first."""
    revisions = Revision.objects.filter(path=path).order_by("-created_at", "-number")[:SHOWN]
    deleted = AuditEvent.objects.filter(path=path, verb="delete").defer("before", "after", "plan").first()
    return {"path": path, "deleted": deleted, "revisions": list(revisions)}
