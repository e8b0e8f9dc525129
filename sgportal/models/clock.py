"""The clock by which leases run out and work is due."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone


def now(plus: timedelta | float = 0.0) -> Combinable | datetime:
    """What time it is (`plus` so much, or so many seconds) by PostgreSQL's clock, whatever the machines' own say; with
    SQLite, which serves one machine, by that machine's."""
    more = plus if isinstance(plus, timedelta) else timedelta(seconds=plus)
    return Now() + more if connection.vendor == "postgresql" else timezone.now() + more
