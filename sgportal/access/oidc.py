"""Log-in at an OpenID Connect provider: whom its answer is about, and which groups they are in from then on.

The protocol (discovery, state, nonce, PKCE, the check of the ID token) is Authlib's. Local users can always log in
beside it, so that somebody can when the provider is away.
"""

from collections.abc import Mapping
from typing import Any, TypeGuard

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from ..models.people import OidcIdentity

PREFIX = "oidc:"  # before names of users and groups, so that none of the provider's is one of ours
MAX_NAME = 150
MAX_OWN_NAME, MAX_ISSUER, MAX_SUBJECT = MAX_NAME - len(PREFIX), 500, 255
MOST_GROUPS = 500
TIMEOUT = 10  # seconds that the provider may take for an answer


class NotTaken(Exception):
    """The provider's answer is about nobody who may come in."""


def is_on() -> bool:
    """Whether there is a provider."""
    return bool(settings.SGPORTAL_OIDC_ISSUER)


def client() -> Any:
    """Authlib's client of the provider, which reads its metadata when it is used."""
    # Loaded here: workers, watch and keeper come by this module, and do without 8 MiB.
    from authlib.integrations.django_client import OAuth

    oauth = OAuth()
    oauth.register(
        "oidc",
        client_id=settings.SGPORTAL_OIDC_CLIENT_ID,
        client_secret=settings.SGPORTAL_OIDC_CLIENT_SECRET or None,
        server_metadata_url=f"{settings.SGPORTAL_OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": settings.SGPORTAL_OIDC_SCOPES,
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT,
        },
    )
    return oauth.create_client("oidc")


def claims_of(request: HttpRequest) -> dict[str, Any]:
    """What the provider says of whom it sent back with `request`: its ID token, checked, and what it adds when it is
    asked with that person's access token. Raises what Authlib does, and NotTaken where that is about somebody else."""
    its = client()
    token = its.authorize_access_token(request)
    found = dict(token["userinfo"])
    if its.load_server_metadata().get("userinfo_endpoint"):
        more = dict(its.userinfo(token=token))
        if more.get("sub") != found.get("sub"):  # OpenID Connect Core 1.0, 5.3.2
            raise NotTaken
        found = {**more, **found}
    return found


def take_in(claims: Mapping[str, Any]) -> User:
    """The user whom checked claims are about, made if they are new, in the groups that the claims name and in no others
    of the provider's. Raises NotTaken."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    name = claims.get(settings.SGPORTAL_OIDC_USERNAME_CLAIM)
    if not (_is_text(issuer, MAX_ISSUER) and _is_text(subject, MAX_SUBJECT) and _is_text(name, MAX_OWN_NAME)):
        raise NotTaken
    with transaction.atomic():
        identity = OidcIdentity.objects.select_related("user").filter(issuer=issuer, subject=subject).first()
        if identity is None:
            identity = OidcIdentity(issuer=issuer, subject=subject, user=_made(PREFIX + name))
        if not identity.user.is_active:
            raise NotTaken
        identity.seen_at = timezone.now()
        identity.save()
        _put_into(identity.user, _groups(claims))
    return identity.user


def _is_text(value: Any, most: int) -> TypeGuard[str]:
    """Whether a claim is a text that a database takes."""
    return isinstance(value, str) and 1 <= len(value) <= most and "\0" not in value


def _made(name: str) -> User:
    """A new user of this name, who has no password. Raises NotTaken where another has that name."""
    if User.objects.filter(username=name).exists():
        raise NotTaken
    return User.objects.create_user(name)


def _groups(claims: Mapping[str, Any]) -> set[str]:
    found = claims.get(settings.SGPORTAL_OIDC_GROUPS_CLAIM) or ()
    names = [found] if isinstance(found, str) else found if isinstance(found, list) else ()
    wanted = [PREFIX + each for each in names if isinstance(each, str)][:MOST_GROUPS]
    return {each for each in wanted if len(each) <= MAX_NAME and "\0" not in each}


def _put_into(user: User, names: set[str]) -> None:
    """Have a user in these of the provider's groups that somebody granted a role, and in none of its others."""
    present = user.groups.filter(name__startswith=PREFIX)
    user.groups.remove(*present.exclude(name__in=names))
    user.groups.add(*Group.objects.filter(name__in=names))
