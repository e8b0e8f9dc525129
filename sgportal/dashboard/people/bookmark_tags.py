"""The star beside the name of a grid or a NodeUnit."""

from collections.abc import Mapping
from typing import Any

from django import template

from ...models import Favourite

register = template.Library()


@register.inclusion_tag("people/star.html", takes_context=True)
def star(context: Mapping[str, Any], kind: str, place: str, name: str) -> dict[str, Any]:
    """A button that adds a thing to one's favourites, or takes it out. One statement."""
    request = context["request"]
    mine = Favourite.objects.filter(user_id=request.user.pk, kind=kind, place=place, name=name)
    return {
        "kind": kind,
        "place": place,
        "name": name,
        "on": mine.exists(),
        "next": request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }
