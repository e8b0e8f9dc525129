"""A wall screen: which pages it turns, how often, and where it is left."""

import json
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

PAGES = ("overview", "matrix", "grids", "events", "jobs")  # a fleet at a glance, then what is going on in it
SECONDS = 20  # that a page, or a screen of a long one, is shown
MOST_SECONDS = 3600


@dataclass(frozen=True)
class Kiosk:
    """The pages of a wall screen in the order of their turns. `here` is the place of this page among them, `turn` the
    seconds before the next (0: none), `leave` the address of this page with everything around it."""

    pages: tuple[str, ...]
    here: int
    turn: int
    leave: str

    @property
    def listed(self) -> str:
        """The pages as JSON, for the page's script."""
        return json.dumps(self.pages)

    @property
    def number(self) -> int:
        """The place of this page, counted from 1."""
        return self.here + 1


def kiosk(request: HttpRequest) -> Kiosk | None:
    """The wall screen that the address asks for with `kiosk=1` (`turn`: seconds), None for any other page."""
    if not is_kiosk(request):
        return None
    asked = request.GET.copy()
    shared = {name: str(asked[name]) for name in ("group", "by", "turn") if asked.get(name)}
    pages = [f"{reverse(name)}?{urlencode({'kiosk': '1', **shared})}" for name in PAGES]
    paths = [reverse(name) for name in PAGES]
    if request.path in paths:
        here = paths.index(request.path)
        pages[here] = request.get_full_path()
    else:
        here = 0
        pages.insert(0, request.get_full_path())
    asked.pop("kiosk")
    asked.pop("turn", None)
    leave = f"{request.path}?{asked.urlencode()}" if asked else request.path
    return Kiosk(tuple(pages), here, _seconds(request.GET.get("turn", "")), leave)


def is_kiosk(request: HttpRequest) -> bool:
    """Whether a wall screen asks."""
    return request.GET.get("kiosk") == "1"


def _seconds(asked: str) -> int:
    return min(int(asked), MOST_SECONDS) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else SECONDS
