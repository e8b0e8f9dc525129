"""What the clocks of a time zone show."""

from datetime import datetime
from zoneinfo import ZoneInfo


def local_minute(now: float, zone: str) -> int:
    """The minute of the week since Monday, 0:00, by the clocks of a time zone at `now`, in epoch seconds."""
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    return (local.weekday() * 24 + local.hour) * 60 + local.minute
