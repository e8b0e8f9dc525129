"""Grants: a person or a group has a role in a scope. A Django group named like a role gives it for everything."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Value
from django.utils import timezone

from ...core.access.scope import ROLES, Bounds, Right
from ...core.selector import parse_selector, selector_text

_BOUNDS = ("namespaces", "kinds", "key", "units", "selector")


class Bounded(models.Model):
    """What a grant or a token is for: names of namespaces, kinds and NodeUnits, separated by blanks (empty: all), the
    label key of a NodeGroup, and a label selector of its NodeUnits ("": whatever labels they have)."""

    namespaces = models.TextField(blank=True)
    kinds = models.TextField(blank=True)
    key = models.CharField(max_length=317, blank=True)
    units = models.TextField(blank=True)
    selector = models.TextField(blank=True, default="", db_default="")

    class Meta:
        abstract = True

    @property
    def bounds(self) -> Bounds:
        """The same as the core knows it."""
        return _bounds(self.namespaces, self.kinds, self.key, self.units, self.selector)

    def limit_to(self, bounds: Bounds) -> None:
        """Be for this from now on."""
        self.namespaces, self.kinds = " ".join(bounds.namespaces), " ".join(bounds.kinds)
        self.key, self.units = bounds.key, " ".join(bounds.units)
        self.selector = selector_text(bounds.selector)


class Grant(Bounded):
    """A role that a user, or every member of a group, has in a scope."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="grants")
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="grants")
    role = models.CharField(max_length=8, choices=[(role, role) for role in ROLES])
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(group__isnull=True), name="one_holder_per_grant"
            )
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.role} for {self.user or self.group}"


def rights_of(user: Any) -> tuple[Right, ...]:
    """What a user may do, by grants and groups; a superuser is an admin; nothing for who is not active. One query."""
    if not user.is_authenticated or not user.is_active:
        return ()
    if user.is_superuser:
        return (Right(ROLES[-1]),)
    own = Grant.objects.filter(user=user).order_by().values_list(Value(""), "role", *_BOUNDS)
    through = [f"grants__{each}" for each in ("role", *_BOUNDS)]
    groups = Group.objects.filter(user=user).order_by().values_list("name", *through)
    found: set[Right] = set()
    for name, role, *texts in own.union(groups, all=True):
        if name in ROLES:
            found.add(Right(name))
        if role:
            found.add(Right(role, _bounds(*texts)))
    return tuple(sorted(found, key=repr))


def held_by(user: Any) -> tuple[Right, ...]:
    """The same of a user whose groups and grants were read with many others'. No query then."""
    if not user.is_active or user.is_superuser:
        return rights_of(user)
    groups = list(user.groups.all())
    grants = [*user.grants.all(), *(grant for group in groups for grant in group.grants.all())]
    named = [Right(group.name) for group in groups if group.name in ROLES]
    return (*named, *(Right(grant.role, grant.bounds) for grant in grants))


def highest(rights: tuple[Right, ...]) -> str:
    """The highest role among rights, in whatever scope; "" for none."""
    held = {each.role for each in rights}
    return next((role for role in reversed(ROLES) if role in held), "")


def _bounds(namespaces: str, kinds: str, key: str, units: str, selector: str) -> Bounds:
    read = [tuple(sorted(each.split())) for each in (namespaces, kinds, units)]
    return Bounds(read[0], read[1], key, read[2], selector=parse_selector(selector))
