"""Search of everything: a page, and the list under the field that Ctrl-K opens."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from ...models import Pod
from ...queries.fleet.search import MOST, Found, search
from ..grids.address import grid_url
from ..page.access import needs
from ..page.render import as_page, wanted
from ..people.bookmarks import kept
from .places import ACTIONS, PAGES, found


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: of which kind, its name, what else tells it apart, and its address."""

    kind: str
    name: str
    about: str
    href: str


@needs("viewer", "units")
def find(request: HttpRequest) -> HttpResponse:
    """What holds the text `q` in its name; the list alone where a script asks."""
    text = wanted(request, "q")["q"]
    hits = [*_kept(request, text), *(_things(search(text)) if text else ()), *_pages(request, text)]
    part = getattr(request, "htmx", None)
    template = "fleet/hits.html" if part else "fleet/search.html"
    return as_page(render(request, template, {"hits": hits, "text": text}))


def _kept(request: HttpRequest, text: str) -> Iterator[Hit]:
    """One's favourites and saved views whose name holds the text; the first of each where there is none."""
    own, like = kept(request), text.lower()
    favourites = (Hit(row.kind, f"★ {row.name}", row.place, address) for row, address in own["favourites"])
    views = (Hit(gettext("Saved view"), row.name, "", row.address) for row in own["views"])
    for hits in (favourites, views):
        yield from islice((hit for hit in hits if like in hit.name.lower()), MOST)


def _things(things: Found) -> Iterator[Hit]:
    for key, name in things.units:
        yield Hit("NodeUnit", name, key, f"{reverse('unit')}?{urlencode({'key': key, 'unit': name})}")
    for node in things.nodes:
        yield Hit(gettext("Node"), node, "", reverse("node", args=[node]))
    for grid in things.grids:
        yield Hit(grid.kind, grid.name, grid.namespace, grid_url(grid))
    for pod in things.pods:
        yield Hit("Pod", pod.name, f"{pod.namespace} · {pod.node}", _of_pod(pod))


def _of_pod(pod: Pod) -> str:
    """Its page, or that of its node where it belongs to no grid."""
    return reverse("pod", args=[pod.namespace, pod.name]) if pod.has_page else reverse("node", args=[pod.node])


def _pages(request: HttpRequest, text: str) -> Iterator[Hit]:
    for kind, places in ((gettext("Action"), ACTIONS), (gettext("Page"), PAGES)):
        for place in found(request, places, text):
            yield Hit(kind, str(place.title), "", place.href)
