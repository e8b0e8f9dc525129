"""The demo's users, one of each role, and the API token."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from ..models import ApiToken
from ..models.people import ROLES

TOKEN_DAYS = 3650


def ensure(password: str, token: str) -> str:
    """Have the users admin, operator and viewer with this password, and admin's token; the token's text."""
    users = get_user_model().objects
    with transaction.atomic():
        for role in ROLES:
            user, _ = users.get_or_create(username=role, defaults={"is_staff": role == "admin"})
            if not user.check_password(password):
                user.set_password(password)
                user.save()
            user.groups.set([Group.objects.get(name=role)])
        _, text = ApiToken.issue(users.get(username="admin"), "demo", "write", TOKEN_DAYS, token)
    return text
