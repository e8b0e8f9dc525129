"""What a keeper process leaves of itself in the database."""

import threading

from sgportal.models import Heartbeat
from sgportal.reconciler.keeper_process import LeaderElection
from sgportal.reconciler.process import connection, heartbeat

from ..watching import QUICK, until
from .test_keeper import closed

__all__ = ["closed"]  # a fixture


def test_a_keeper_leaves_its_figures_with_its_sign_of_life(closed, monkeypatch):
    def figures():
        return Heartbeat.objects.filter(kind="keeper").values_list("figures", flat=True).first() or {}

    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.0)
    stop = threading.Event()
    turns = LeaderElection(QUICK, lease_seconds=1.5)
    thread = threading.Thread(target=turns.run, args=(stop,), daemon=True)
    thread.start()
    try:
        until(lambda: figures().get("written", 0) >= 2)
        found = figures()
        assert (found["kept"], found["failed"]) == (1, 0)
        assert found["delays"][-1] == ["+Inf", 1]
        assert 0 < found["seconds"] < 20
    finally:
        stop.set()
        thread.join(75)
        connection.disconnect()
    assert Heartbeat.objects.get(kind="keeper").name == heartbeat.ENDED
    assert heartbeat.count()["keeper"] == 0
