"""What people keep at hand: views and favourites. What is shared, and no longer, is in the audit trail."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.urls import Resolver404, resolve

from ...core.access.bookmarks import (
    MOST_FAVOURITES,
    MOST_VIEWS,
    NO_PAGE,
    address_of_view,
    address_problem,
    name_problem,
)
from ...core.grids.kinds import KINDS
from ...core.text import Invalid, Problem, one_of, say
from ...models import Favourite, SavedView
from ...models.scopes.current import everything
from ...queries.fleet.bookmarks import favourites_of, is_there
from ..common import Actor, Refused, note_access

THINGS = (*KINDS, Favourite.NODE_UNIT)  # that can be favourites
_NO_PERSON = say("a service token belongs to no person; log in, or use a token of yours")


def save_view(owner: Any, asked: Mapping[str, Any], actor: Actor, *, may_share: bool) -> SavedView:
    """Keep the `address` of a page of the portal under a `name`; with `shared` for everyone who reads everything.
    Raises Invalid, Refused."""
    person = _person(owner)
    name, address, shared = asked["name"], address_of_view(asked["address"]), bool(asked.get("shared"))
    rows = SavedView.objects.filter(user_id=person.pk)
    problems = [Problem("/name", problem)] if (problem := name_problem(name)) else []
    if wrong := address_problem(asked["address"]) or _not_a_page(address):
        problems.append(Problem("/address", wrong))
    if shared and not may_share:
        problems.append(Problem("/shared", say("must be false: only an admin of everything shares views")))
    if not problems and rows.filter(name=name).exists():
        problems.append(_taken(name))
    if not problems and rows.count() >= MOST_VIEWS:
        problems.append(Problem("", say("you have %(most)s saved views; remove one first", most=MOST_VIEWS)))
    if problems:
        raise Invalid(*problems)
    try:
        with transaction.atomic():
            row = SavedView.objects.create(user_id=person.pk, name=name, address=address, shared=shared)
            if shared:
                note_access(actor, "view-shared", _path(row), None, _shown(row))
    except IntegrityError:  # it was saved twice at a time
        raise Invalid(_taken(name)) from None
    return row


def remove_view(row: SavedView, actor: Actor) -> None:
    """Keep a view no longer."""
    with transaction.atomic():
        if row.shared:
            note_access(actor, "view-removed", _path(row), _shown(row), None)
        row.delete()


def add_favourite(owner: Any, kind: str, place: str, name: str) -> Favourite:
    """Keep a grid or a NodeUnit at hand; one that is kept already stays. Raises Invalid, Refused."""
    person = _person(owner)
    if kind not in THINGS:
        raise Invalid(Problem("/kind", one_of(THINGS)))
    if not is_there(kind, place, name):
        raise Invalid(Problem("/name", say("there is no %(kind)s “%(name)s”", kind=kind, name=name)))
    rows = Favourite.objects.filter(user_id=person.pk)
    found = rows.filter(kind=kind, place=place, name=name).first()
    if found is None and rows.count() >= MOST_FAVOURITES and not _forget_what_is_gone(person):
        raise Invalid(Problem("", say("you have %(most)s favourites; remove one first", most=MOST_FAVOURITES)))
    return found or rows.get_or_create(user_id=person.pk, kind=kind, place=place, name=name)[0]


def _forget_what_is_gone(person: AbstractBaseUser) -> int:
    """Remove a person's favourites of what is there no longer, which no list has, so that nobody else can; how many."""
    with everything():
        there = favourites_of(person.get_username()).values("pk")
    return Favourite.objects.filter(user_id=person.pk).exclude(pk__in=there).delete()[0]


def remove_favourite(row: Favourite) -> None:
    """Keep a thing at hand no longer."""
    row.delete()


def _person(owner: Any) -> AbstractBaseUser:
    if not isinstance(owner, AbstractBaseUser):
        raise Refused(_NO_PERSON)
    return owner


def _not_a_page(address: str) -> Any:
    try:
        found = resolve(unquote(address.partition("?")[0]))
    except Resolver404:
        return NO_PAGE
    return None if hasattr(found.func, "needs") else NO_PAGE  # which pages have, and REST and files have not


def _taken(name: str) -> Problem:
    return Problem("/name", say("“%(name)s” already exists", name=name))


def _path(row: SavedView) -> str:
    return f"users/{row.user.get_username()}/views/{row.pk}"


def _shown(row: SavedView) -> dict[str, Any]:
    return {"name": row.name, "address": row.address, "shared": row.shared}
