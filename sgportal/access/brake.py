"""The brake on log-in attempts, for every form, counted in the database and so over all processes.

Counted are failures per user name and *client*: a browser that has logged in as that user before (it carries a signed
cookie), else an address. So nobody's failures hold up anybody else's client. Beside that, where a name meets many
failures from all sides, clients that never logged in as that user get a single try in a longer time: a right password
passes at once, from wherever, and guessing with many addresses is slow. An attempt is counted before its password is
looked at, so that parallel guesses count too, and taken back if it was right.

Codes of a second factor are few, so all wrong ones of a user are counted together, whatever the addresses: those of
strangers, who know the password then, those from addresses from which a code was right before, and those of browsers in
which the user is or was logged in. Each has a limit of its own, so that none of them uses up another's.

The names in the counters are digests: people type passwords into the field for the name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from ..core.addresses import counted_as
from ..models import LogInCount
from . import device


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures in so much time."""

    failures: int
    time: timedelta


CLIENT = Limit(5, timedelta(minutes=5))  # one client, one name
BESIEGED = Limit(1, timedelta(minutes=15))  # the same for a stranger, while the name is besieged
NAME = Limit(20, timedelta(minutes=15))  # all clients, one name: from here on it is besieged
ADDRESS = Limit(100, timedelta(minutes=5))  # one address, all names; those who logged in from there before pass
CODES = Limit(10, timedelta(hours=1))  # one user's codes: from strangers, known addresses, own browsers
MOST_FORGOTTEN = 1000  # at once
KNOWN = timedelta(days=90)  # how long an address is remembered after a log-in


class Braked(Exception):
    """Too many attempts; `seconds` is how long to wait, `first` that nobody was told yet since the counter is full."""

    def __init__(self, seconds: float, first: bool) -> None:
        super().__init__(f"too many attempts, {seconds:.0f} s to wait")
        self.seconds, self.first = seconds, first


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted attempt, by the keys of its counters; `known` is the key that remembers its client, `all_codes` that of
    all codes that such clients try for the user ("" of a password)."""

    name: str
    address: str
    client: str
    known: str
    all_codes: str = ""

    def passed(self) -> None:
        """It was right: it counts no longer, the client's failures are forgotten, and the client is known."""
        with transaction.atomic():
            for key in (self.name, self.address, self.all_codes):  # in the order of `begin`
                LogInCount.objects.filter(key=key, count__gt=0).update(count=F("count") - 1)
            LogInCount.objects.filter(key=self.client).delete()
            until = timezone.now() + KNOWN
            LogInCount.objects.update_or_create(key=self.known, defaults={"count": 1, "expires_at": until})


def begin(request: HttpRequest, name: str) -> Attempt:
    """Count an attempt at a user's password as a failure until it has `passed`. Raises Braked, and counts nothing."""
    name = str(get_user_model().normalize_username(name))
    return _begin(request, name, device.known_to(request, name), is_code=False)


def begin_code(request: HttpRequest, user: Any) -> Attempt:
    """The same of an attempt at a code of a user's second factor."""
    session = str(request.session.session_key or "") if request.user.is_authenticated else ""
    browser = device.known_to(request, user.get_username()) or session
    return _begin(request, f"second factor of {user.pk}", browser, is_code=True)  # no user has such a name


def _begin(request: HttpRequest, name: str, browser: str, *, is_code: bool) -> Attempt:
    address = counted_as(request.META.get("REMOTE_ADDR") or "")
    now, known = timezone.now(), _key("known", name, address)
    attempt = Attempt(
        name=_key("name", name),
        address=_key("from", address),
        client=_key("browser", name, browser) if browser else _key("address", name, address),
        known=known,
        all_codes=_key("codes", name, "browser" if browser else str(_is_known(known, now))) if is_code else "",
    )
    with transaction.atomic():
        refusing = _count(attempt, bool(browser), now)
    if refusing:
        first = LogInCount.objects.filter(key=refusing.key, told=False).update(told=True)
        raise Braked((refusing.expires_at - now).total_seconds(), bool(first))
    return attempt


def _count(attempt: Attempt, is_known: bool, now: datetime) -> LogInCount | None:
    """Count an attempt, or give the counter that is full. Every transaction takes the rows in the same order."""
    name, address, client = (_locked(key, now) for key in (attempt.name, attempt.address, attempt.client))
    is_known = is_known or _is_known(attempt.known, now)
    limit = CLIENT if is_known or name.count < NAME.failures else BESIEGED
    counted = [(name, NAME), (address, ADDRESS), (client, limit)]
    if attempt.all_codes:
        counted.append((_locked(attempt.all_codes, now), CODES))
    for row, times in reversed(counted[2:]):
        if row.count >= times.failures:
            return row
    if address.count >= ADDRESS.failures and not is_known:
        return address
    for row, times in counted:
        if row.count == 0:
            row.expires_at, row.told = now + times.time, False
        row.count += 1
        row.save()
    return None


def _is_known(key: str, now: datetime) -> bool:
    return LogInCount.objects.filter(key=key, expires_at__gt=now).exists()


def _key(kind: str, *parts: str) -> str:
    return salted_hmac("sgportal.access.brake", "\0".join((kind, *parts)), algorithm="sha256").hexdigest()


def _locked(key: str, now: datetime) -> LogInCount:
    """The counter, held until the transaction ends; one whose time is over counts from zero."""
    row, _ = LogInCount.objects.select_for_update().get_or_create(key=key, defaults={"expires_at": now})
    if row.expires_at <= now:
        row.count = 0
    return row


def forget_expired() -> int:
    """Remove counters whose time is long over; how many. Those that somebody holds are left for the next time."""
    over = LogInCount.objects.filter(expires_at__lt=timezone.now() - timedelta(hours=1))
    with transaction.atomic():
        keys = list(over.select_for_update(skip_locked=True).values_list("key", flat=True)[:MOST_FORGOTTEN])
        return LogInCount.objects.filter(key__in=keys).delete()[0]
