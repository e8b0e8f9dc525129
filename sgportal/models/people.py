"""People: their preferences and their API tokens."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone

from ..core.access.scope import ROLES, Bounds, Right, has_role, lower
from .scopes.grants import Bounded, highest, rights_of

__all__ = ["DAYS", "ROLES", "ApiToken", "Bearer", "ServiceToken", "has_role", "rights_of", "role_everywhere", "role_of"]

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


class SecondFactor(models.Model):
    """What a local user shows beside the password (RFC 6238). `secret` is encrypted; no code is taken for `last_step`,
    a number of 30 seconds since 1970, or one before it; `recovery` has the SHA-256 of codes that were not used yet."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="second_factor")
    secret = models.TextField()
    last_step = models.BigIntegerField(default=0)
    recovery = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.user)


class LogInCount(models.Model):
    """How often something happened until `expires_at`, for the brake on log-ins: `key` is a digest of what is counted;
    `told` that somebody has been refused on its account, which is worth an entry in the audit trail once."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)
    told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.key


class Bearer(Bounded):
    """What an `Authorization: Bearer` names: `<kind>_<prefix>_<secret>`, of which only the SHA-256 of the secret is
    kept. `scope` is read or write; it never stands for more than `role`, nor for more than its bounds."""

    KIND = ""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=5, choices=[("read", "read"), ("write", "write")], default="read")
    role = models.CharField(max_length=8, blank=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def rights(self) -> tuple[Right, ...]:
        """What it may do."""
        return (Right(self.role, self.bounds),)

    @classmethod
    def new_text(cls) -> str:
        """The text of a new one, which is not kept."""
        return f"{cls.KIND}_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"

    @classmethod
    def split(cls, text: str) -> tuple[str, str]:
        """The look-up prefix and the secret part of a token's text."""
        parts = text.split("_", 2)
        if len(parts) == 3 and parts[0] == cls.KIND and parts[1]:
            return parts[1][:16], parts[2]
        return _digest(text)[:16], text

    @classmethod
    def _issued(cls, text: str, days: int, bounds: Bounds, **fields: Any) -> tuple[Self, str]:
        prefix, secret = cls.split(text)
        expires = timezone.now() + timedelta(days=days)
        row = cls(prefix=prefix, digest=_digest(secret), expires_at=expires, **fields)
        row.limit_to(bounds)
        row.save()
        return row, text

    @classmethod
    def _known(cls) -> "models.QuerySet[Self]":
        return cls._default_manager.all()

    @classmethod
    def find(cls, text: str) -> Self | None:
        """The token with this text that has not expired, or None."""
        prefix, secret = cls.split(text)
        token = cls._known().filter(prefix=prefix, expires_at__gt=timezone.now()).first()
        return token if token and secrets.compare_digest(token.digest, _digest(secret)) else None


def rights_by_token(owner: Any, rights: Callable[[Any], tuple[Right, ...]] = rights_of) -> tuple[Right, ...]:
    """The `rights` of who owns a token: none, where a provider knows them and has not named them for long."""
    identity = getattr(owner, "oidc", None)
    return rights(owner) if identity is None or identity.is_recent else ()


class ApiToken(Bearer):
    """A person's token. `role` is what its owner was when it was made: it never stands for more than its owner may."""

    KIND = "sgp"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")

    class Meta(Bearer.Meta):
        abstract = False

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
        text = text or cls.new_text()
        cls.objects.filter(prefix=cls.split(text)[0]).delete()
        return cls._issued(text, days, bounds, user=user, name=name, scope=scope, role=role_of(user))

    @cached_property
    def owners(self) -> tuple[Right, ...]:
        """What its owner may do. One query."""
        return rights_by_token(self.user)

    @property
    def outlives_role(self) -> bool:
        """Whether its owner has the role no more that it was made with."""
        return bool(self.role) and not has_role(highest(self.owners), self.role)

    @property
    def rights(self) -> tuple[Right, ...]:
        """What it may do: no more than its owner, no more than it was made for."""
        held = [(each, each.bounds.within(self.bounds)) for each in self.owners]
        return tuple(Right(lower(each.role, self.role), bounds) for each, bounds in held if not bounds.void)

    @classmethod
    def _known(cls) -> "models.QuerySet[Self]":
        return cls.objects.select_related("user__oidc")


class ServiceToken(Bearer):
    """A token that is no person's: it has its own role and bounds, and ends when it expires or is revoked."""

    KIND = "sgs"

    class Meta(Bearer.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["name"], name="one_service_token_per_name")]

    @classmethod
    def issue(cls, name: str, role: str, days: int, bounds: Bounds = EVERY_BOUND) -> tuple[Self, str]:
        """A new token and its text, which is not kept. One that may only view may only read."""
        scope = "write" if has_role(role, "operator") else "read"
        return cls._issued(cls.new_text(), days, bounds, name=name, role=role, scope=scope)

    @property
    def user(self) -> "Service":
        """Who acts with it."""
        return Service(self)


class Service:
    """Who acts with a service token, where Django expects a user. No user can have its name."""

    PREFIX = "token:"
    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False

    def __init__(self, token: ServiceToken) -> None:
        self.pk = self.username = f"{self.PREFIX}{token.name}"

    def __str__(self) -> str:
        return self.username

    def get_username(self) -> str:
        """`token:<name>`, as the audit trail and the log have it."""
        return self.username


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
