"""Units that may be changed at certain hours by their own clock, on an embedded cluster."""

from datetime import timedelta

import pytest
from django.utils import timezone

from .test_waves import complete, give, images, is_at, three  # noqa: F401

pytestmark = pytest.mark.embedded_only
ZONE = "sgportal.superedge.io/time-zone"
HERE = timedelta(hours=2)


def test_a_unit_waits_for_its_window_by_the_clock_of_its_own_time_zone(three):  # noqa: F811
    """Two hours around now by UTC, where units a and c are; it is nine hours later where b is."""
    three.label("node1", **{ZONE: "Asia.Tokyo"})
    now = timezone.now()
    window = {"from": f"{now - HERE:%H:%M}", "to": f"{now + HERE:%H:%M}"}
    give(three, 2, rollout={"windows": [window], "maxUnavailable": 3})
    is_at(three, "Progressing", "OutsideWindow")
    three.resync()
    assert images(three) == "212"
    three.label("node1", **{ZONE: None})
    assert complete(three)[-1] == "222"
