"""People: their preferences and their API tokens."""

import hashlib
import secrets
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone

from ..core.access.scope import ROLES, Bounds, Right, has_role, lower
from .scopes.grants import Bounded, highest, rights_of

__all__ = ["DAYS", "ROLES", "ApiToken", "has_role", "rights_of", "role_everywhere", "role_of"]

EVERY_BOUND = Bounds()
DAYS = 90  # that a token holds for, unless another number is asked for


def role_of(user: Any) -> str:
    """The highest role of a user, in whatever scope; "" for no role."""
    return highest(rights_of(user))


def role_everywhere(user: Any) -> str:
    """The highest role of a user that is not limited to a scope; "" for none."""
    return highest(tuple(each for each in rights_of(user) if each.bounds.is_all))


class Preference(models.Model):
    """A person's choice of language ("" follows the browser) and of theme (auto, light, dark)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preference")
    language = models.CharField(max_length=10, blank=True)
    theme = models.CharField(max_length=5, default="auto")

    def __str__(self) -> str:
        return str(self.user)


class OidcIdentity(models.Model):
    """Whom an OpenID Connect provider knows as `subject`; `seen_at` is when it last said so."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="oidc")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_user_per_oidc_subject")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"

    @property
    def is_recent(self) -> bool:
        """Whether the groups it was last in still count for what acts without it, such as a token."""
        return self.seen_at > timezone.now() - timedelta(days=settings.SGPORTAL_OIDC_TOKEN_DAYS)


class LogInCount(models.Model):
    """How often something happened until `expires_at`, for the brake on log-ins: `key` is a digest of what is counted;
    `told` that somebody has been refused on its account, which is worth an entry in the audit trail once."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)
    told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.key


class ApiToken(Bounded):
    """A bearer token `sgp_<prefix>_<secret>`; only the SHA-256 of the secret is kept. `scope` is read or write; `role`
    is what its owner was when it was made: it never stands for more, nor for more than its bounds."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=5, choices=[("read", "read"), ("write", "write")], default="read")
    role = models.CharField(max_length=8, blank=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @classmethod
    def issue(
        cls,
        user: AbstractBaseUser,
        name: str,
        scope: str = "read",
        days: int = DAYS,
        text: str = "",
        bounds: Bounds = EVERY_BOUND,
    ) -> tuple[Self, str]:
        """A new token and its text, which is not kept. `text` fixes the token (the demo); it must have the shape
        `sgp_<prefix>_<secret>` or be any text of at least 16 characters."""
        text = text or f"sgp_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
        prefix, secret = cls.split(text)
        expires = timezone.now() + timedelta(days=days)
        cls.objects.filter(prefix=prefix).delete()
        fields = {"name": name, "scope": scope, "role": role_of(user), "expires_at": expires}
        row = cls(user=user, prefix=prefix, digest=_digest(secret), **fields)
        row.limit_to(bounds)
        row.save()
        return row, text

    @cached_property
    def owners(self) -> tuple[Right, ...]:
        """What its owner may do: nothing, where a provider knows them and has not named them for long. One query."""
        identity = getattr(self.user, "oidc", None)
        return rights_of(self.user) if identity is None or identity.is_recent else ()

    @property
    def rights(self) -> tuple[Right, ...]:
        """What it may do: no more than its owner, no more than it was made for."""
        held = [(each, each.bounds.within(self.bounds)) for each in self.owners]
        return tuple(Right(lower(each.role, self.role), bounds) for each, bounds in held if not bounds.void)

    @staticmethod
    def split(text: str) -> tuple[str, str]:
        """The look-up prefix and the secret part of a token's text."""
        parts = text.split("_", 2)
        if len(parts) == 3 and parts[0] == "sgp" and parts[1]:
            return parts[1][:16], parts[2]
        return _digest(text)[:16], text

    @classmethod
    def find(cls, text: str) -> Self | None:
        """The token with this text that has not expired, or None."""
        prefix, secret = cls.split(text)
        token = cls.objects.select_related("user__oidc").filter(prefix=prefix, expires_at__gt=timezone.now()).first()
        return token if token and secrets.compare_digest(token.digest, _digest(secret)) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
