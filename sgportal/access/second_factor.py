"""The second factor of local users: a code that an authenticator app makes every 30 seconds (RFC 6238), or one of ten
recovery codes. Whom a provider knows is asked for one there.

A code is taken once. The secret is encrypted with a key made of `SECRET_KEY`; recovery codes are kept as hashes.
"""

import hashlib
import json
import secrets
import time
from base64 import b32decode, b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from ..core.access.scope import ROLES, Right
from ..models import SecondFactor
from ..models.people import has_role
from ..models.scopes.grants import highest, rights_of
from ..models.sealed import box

ISSUER = "sgportal"
STEP = 30  # seconds that a code is for
AROUND = (0, -1, 1)  # clocks differ, and people type slowly
SECRET_BYTES = 20  # RFC 4226, 4: 160 bits are recommended
RECOVERY_CODES = 10
OFFER_SECONDS = 900  # that a secret may be taken on after it was shown
HALFWAY_SECONDS = 300  # between the password and the code
_PURPOSE = "sgportal.access.second_factor"  # of the keys
_HALFWAY = "sgportal_halfway"  # in a session of nobody: whose password was right
_PROVEN = "sgportal_proven"  # in a session: that it began with more than a password
Kind = Literal["", "code", "recovery"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret that a person may take on: as people type it, as an authenticator app reads it, and `sealed`, as it
    comes back with the first code."""

    secret: str
    uri: str
    sealed: str


def has(user: Any) -> bool:
    """Whether a user has a second factor."""
    return SecondFactor.objects.filter(user=user.pk).exists()


def offer(user: User) -> Offer:
    """A new secret for a user; nothing is kept."""
    secret = b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return _offered(user, secret, _seal({"user": user.pk, "secret": secret}))


def offered(user: User, sealed: str) -> Offer | None:
    """The offer that was made to this user a while ago, or None: it is another's, or too old."""
    found = _open(sealed, OFFER_SECONDS)
    return _offered(user, found["secret"], sealed) if found.get("user") == user.pk else None


def _offered(user: User, secret: str, sealed: str) -> Offer:
    return Offer(secret, _totp(secret).get_provisioning_uri(user.get_username(), ISSUER), sealed)


def take_on(user: User, its: Offer, code: str) -> list[str] | None:
    """Make what was offered the user's second factor; the recovery codes, or None where the code is wrong or the user
    has one already."""
    step = _step_of(its.secret, code, 0)
    if step is None:
        return None
    codes = _recovery_codes()
    kept = {"secret": _seal({"user": user.pk, "secret": its.secret}), "last_step": step, "recovery": _hashes(codes)}
    return codes if SecondFactor.objects.get_or_create(user=user, defaults=kept)[1] else None


def spend(user: Any, code: str) -> Kind:
    """Take a code or a recovery code, which counts no longer; "" where it is neither."""
    with transaction.atomic():
        row = SecondFactor.objects.select_for_update().filter(user=user.pk).first()
        if row is None:
            return ""
        found = _open(row.secret)
        step = _step_of(found["secret"], code, row.last_step) if found.get("user") == user.pk else None
        if step is not None:
            row.last_step = step
        elif (digest := _hashes([code])[0]) in row.recovery:
            row.recovery.remove(digest)
        else:
            return ""
        row.save()
    return "recovery" if step is None else "code"


def renew_recovery(user: User) -> list[str]:
    """New recovery codes instead of those a user has."""
    codes = _recovery_codes()
    SecondFactor.objects.filter(user=user).update(recovery=_hashes(codes))
    return codes


def is_asked(request: HttpRequest) -> bool:
    """Whether the password alone is not enough for whoever is logged in."""
    return _is_asked_of(lambda: _held(request))


def _is_asked_of(held: Callable[[], tuple[Right, ...]]) -> bool:
    asked = settings.SGPORTAL_SECOND_FACTOR
    return bool(asked == "everyone" or (asked == "admins" and has_role(highest(held()), ROLES[-1])))


def is_missing(request: HttpRequest) -> bool:
    """Whether a second factor is asked of whoever is logged in, and this session began without one."""
    if settings.SGPORTAL_SECOND_FACTOR == "optional" or not request.user.is_authenticated:
        return False
    return falls_short(request.user, is_proven(request), lambda: _held(request))


def falls_short(user: Any, proven: bool, held: Callable[[], tuple[Right, ...]]) -> bool:
    """Whether more than a password is asked of a user with such rights, whose session has not (`proven`) shown it."""
    if settings.SGPORTAL_SECOND_FACTOR == "optional" or proven:
        return False
    # Without a password it began at a provider, maybe before sessions noted that.
    return bool(user.has_usable_password()) and _is_asked_of(held)


def is_proven(request: HttpRequest) -> bool:
    """Whether this session began with more than a password."""
    return bool(request.session.get(_PROVEN))


def rights(request: HttpRequest) -> tuple[Right, ...]:
    """What whoever is logged in may do, and for what: nothing while a second factor is missing."""
    return () if is_missing(request) else _held(request)


def _held(request: HttpRequest) -> tuple[Right, ...]:
    """What they could do with one; looked up once per request."""
    if not hasattr(request, "_sgportal_held"):
        request._sgportal_held = rights_of(request.user)  # type: ignore[attr-defined]
    return request._sgportal_held  # type: ignore[attr-defined, no-any-return]


def note_proven(request: HttpRequest, proven: bool = True) -> None:
    """Have the session know whether more than a password was shown, here or at a provider."""
    request.session[_PROVEN] = proven


def wait_for_code(request: HttpRequest, user: Any, place: str) -> None:
    """Remember, in a session of nobody, whose password was right, and where to go with a code."""
    request.session.cycle_key()
    request.session[_HALFWAY] = [user.pk, user.get_session_auth_hash(), _now(), place]
    request.session.set_expiry(HALFWAY_SECONDS)


def waiting(request: HttpRequest) -> tuple[User, str] | None:
    """Who showed the right password here a moment ago and has yet to show a code, and where to go then; or None."""
    kept = request.session.get(_HALFWAY)
    if not kept:
        return None
    pk, hash_, began, place = kept
    user = User.objects.filter(pk=pk, is_active=True).first()
    fresh = _now() - began < HALFWAY_SECONDS
    return (user, place) if fresh and user and constant_time_compare(hash_, user.get_session_auth_hash()) else None


def end_wait(request: HttpRequest) -> None:
    """Forget who waits; the session lasts as long as any other."""
    request.session.pop(_HALFWAY, None)
    request.session.set_expiry(None)


def _now() -> int:
    return int(time.time())


def _totp(secret: str) -> TOTP:
    return TOTP(b32decode(secret), 6, SHA1(), STEP)  # noqa: S303 — what authenticator apps can do


def _step_of(secret: str, code: str, last: int) -> int | None:
    """Which 30 seconds, later than `last`, a code is for; None for no such."""
    code, now = "".join(code.split()), _now() // STEP
    steps = [now + each for each in AROUND if now + each > last]
    made = ((step, _totp(secret).generate(step * STEP).decode()) for step in steps)
    return next((step for step, right in made if constant_time_compare(right, code)), None)


def _recovery_codes() -> list[str]:
    """Eighty random bits each, in fours, as people read them."""
    made = (b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES))
    return ["-".join(each[at : at + 4] for at in range(0, 16, 4)) for each in made]


def _hashes(codes: Sequence[str]) -> list[str]:
    plain = ("".join(each.split()).replace("-", "").lower() for each in codes)
    return [hashlib.sha256(each.encode()).hexdigest() for each in plain]


def sealed_anew(sealed: str) -> str:
    """The same secret, sealed with the key of now. Raises InvalidToken where no key opens it."""
    return box(_PURPOSE).rotate(sealed.encode()).decode()


def _seal(content: dict[str, Any]) -> str:
    return box(_PURPOSE).encrypt(json.dumps(content).encode()).decode()


def _open(sealed: str, seconds: int | None = None) -> dict[str, Any]:
    """What was sealed, at most so long ago; nothing of what was not, or with a key that is no longer known."""
    try:
        return dict(json.loads(box(_PURPOSE).decrypt(sealed.encode(), seconds)))
    except InvalidToken:
        return {}
