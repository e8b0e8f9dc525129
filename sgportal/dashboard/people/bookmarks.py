"""What somebody keeps at hand: the page *Saved views*, the menu of the same, the star beside a grid or a NodeUnit."""

from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.access.bookmarks import MOST_ADDRESS, MOST_NAME
from ...core.access.scope import administers
from ...core.grids.kinds import KINDS
from ...core.text import Invalid
from ...models import Favourite
from ...queries.fleet.bookmarks import favourites_of, removable_views, views_of
from ..page.access import actor, needs, rights
from ..page.export import Columns, as_csv, wants_csv
from ..page.render import back, clean, show, warn_of

_COLUMNS: Columns = {
    name: itemgetter(index) for index, name in enumerate(("kind", "name", "place", "address", "shared"))
}


def address_of(row: Favourite) -> str:
    """The address of a favourite's page."""
    if row.is_unit:
        return f"{reverse('unit')}?{urlencode({'key': row.place, 'unit': row.name})}"
    return reverse("grid", args=[KINDS[row.kind].plural, row.place, row.name])


def may_share(request: HttpRequest) -> bool:
    """Whether whoever asks is an admin of everything."""
    return administers(rights(request))


def kept(request: HttpRequest) -> dict[str, Any]:
    """What somebody keeps at hand, for a template. Two statements."""
    name = request.user.get_username()
    return {
        "views": list(views_of(name)),
        "favourites": [(each, address_of(each)) for each in favourites_of(name)],
        "may_share": may_share(request),
        "longest": MOST_NAME,
    }


@needs("viewer", "units")
def saved(request: HttpRequest) -> HttpResponse:
    """All that somebody keeps at hand; with the address `at` a form to save that. As a part: the menu, for the page
    that it is opened on."""
    found = kept(request)
    htmx = getattr(request, "htmx", None)
    if htmx:
        return show(request, "people/bookmarks_menu.html", {**found, "at": htmx.current_url_abs_path or ""})
    if wants_csv(request):
        views = (("SavedView", row.name, "", row.address, row.shared) for row in found["views"])
        favourites = ((row.kind, row.name, row.place, address, False) for row, address in found["favourites"])
        return as_csv(request, "saved", _COLUMNS, [*views, *favourites])
    at = clean(request.GET.get("at", ""))[: MOST_ADDRESS + 1]  # too long a one is refused, not cut
    return show(request, "people/bookmarks.html", {**found, "at": at})


@require_POST
@needs("viewer", "units")
def save(request: HttpRequest) -> HttpResponse:
    """Save a view."""
    given = request.POST
    asked = {"name": clean(given.get("name", "")), "address": given.get("address", ""), "shared": "shared" in given}
    try:
        row = actions.save_view(request.user, asked, actor(request), may_share=may_share(request))
    except Invalid as invalid:
        warn_of(request, invalid)
    else:
        messages.success(request, gettext("View “%(name)s” saved.") % {"name": row.name})
    return back(request, "saved")


@require_POST
@needs("viewer", "units")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a view: one's own, or, as an admin of everything, a shared one."""
    row = get_object_or_404(removable_views(request.user.get_username(), may_share(request)), pk=pk)
    actions.remove_view(row, actor(request))
    messages.success(request, gettext("View “%(name)s” removed.") % {"name": row.name})
    return back(request, "saved")


@require_POST
@needs("viewer", "units")
def star(request: HttpRequest) -> HttpResponse:
    """Add a favourite, or with `off` remove it."""
    kind, place, name = (clean(request.POST.get(each, "")) for each in ("kind", "place", "name"))
    if "off" in request.POST:
        rows = favourites_of(request.user.get_username())
        actions.remove_favourite(get_object_or_404(rows, kind=kind, place=place, name=name))
        return back(request, "saved")
    try:
        actions.add_favourite(request.user, kind, place, name)
    except Invalid as invalid:
        if any(each.pointer for each in invalid.problems):
            raise Http404 from None  # there is no such thing, in scope
        warn_of(request, invalid)
    return back(request, "saved")
