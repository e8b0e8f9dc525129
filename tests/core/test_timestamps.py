"""Times as Kubernetes writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.timestamps import epoch_seconds, rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_a_time_is_read_as_it_is_written(when):
    assert epoch_seconds(rfc3339(when)) == (when - EPOCH) // timedelta(seconds=1)  # a float has no microseconds by 4148


@pytest.mark.parametrize("stamp", ["2000-02-29T23:59:59Z", "2026-11-27T10:00:00.123456Z", "1999-12-31T00:00:00"])
def test_leap_days_and_fractions(stamp):
    assert epoch_seconds(stamp) == int(datetime.fromisoformat(f"{stamp[:19]}+00:00").timestamp())


def test_what_is_no_time_is_refused():
    with pytest.raises(ValueError, match="no time"):
        epoch_seconds("yesterday")
