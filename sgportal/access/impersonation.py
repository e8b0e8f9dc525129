"""As whom the API server knows a person of the portal, where the portal impersonates them."""

from django.conf import settings
from django.contrib.auth.models import Group

from ..cluster import Person


def person_of(name: str) -> Person | None:
    """The person that a user (or a service token) of this name is to the API server, with the groups that they are in
    now, each behind the prefix, so that no name can be another's there; None where the portal acts for itself. Raises
    ValueError where a name cannot be passed on. One query."""
    if not settings.SGPORTAL_IMPERSONATE:
        return None
    prefix = settings.SGPORTAL_IMPERSONATE_PREFIX
    groups = Group.objects.filter(user__username=name).order_by("name").values_list("name", flat=True)
    return Person(prefix + name, tuple(prefix + each for each in groups))
