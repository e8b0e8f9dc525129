"""What is kept for so long and no longer, and what some worker does again and again."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from sgportal.models import (
    AuditEvent,
    CellHistory,
    GridEvent,
    Heartbeat,
    Journal,
    LabelHistory,
    LabelJob,
    LogInCount,
    NodeHistory,
    RememberedLabel,
    WorkKey,
)
from sgportal.reconciler import duties
from sgportal.reconciler.fleet import halt
from sgportal.reconciler.queue import workqueue
from sgportal.reconciler.worker import run
from tests import builders

pytestmark = pytest.mark.django_db
_NAMES = ("clearing", "history", "names", "notifications", "readers", "resync", "retention", "usage")
DUTIES = {f"duties/{each}" for each in _NAMES}


def days_ago(days: float):
    return timezone.now() - timedelta(days=days)


def event(days: float) -> None:
    GridEvent.objects.create(
        path=f"deploymentgrids/default/{days}", reason="Created", message={}, last_at=days_ago(days)
    )


def audited(days: float, kind: str = "change") -> None:
    AuditEvent.objects.create(kind=kind, actor="ada", door="rest", verb="apply", path="x", at=days_ago(days))


def left(model, field: str) -> set[int]:
    """How many days old the rows are that are left."""
    return {round((timezone.now() - at).total_seconds() / 86400) for at in model.objects.values_list(field, flat=True)}


@pytest.mark.parametrize(
    ("days", "events"), [(14, {1, 13}), (3, {1}), (0, {1, 13, 15, 400}), (10**12, {1, 13, 15, 400})]
)
def test_events_are_kept_as_long_as_the_setting_says(settings, days, events):
    settings.SGPORTAL_EVENTS_DAYS = days
    for age in (1, 13, 15, 400):
        event(age)
    duties.forget()
    assert left(GridEvent, "last_at") == events


@pytest.mark.parametrize(("days", "entries"), [(365, {1, 364}), (30, {1}), (0, {1, 364, 366, 4000})])
def test_the_audit_trail_is_kept_as_long_as_the_setting_says(settings, days, entries):
    settings.SGPORTAL_AUDIT_DAYS = days
    for age in (1, 364, 366, 4000):
        audited(age)
        audited(age, "access")
    duties.forget()
    assert left(AuditEvent, "at") == entries
    assert AuditEvent.objects.filter(kind="access").count() == len(entries)


def test_an_old_event_that_happened_again_lately_is_kept(settings):
    settings.SGPORTAL_EVENTS_DAYS = 14
    event(1)
    GridEvent.objects.update(first_at=days_ago(100))
    duties.forget()
    assert GridEvent.objects.count() == 1


def test_a_job_under_way_is_kept_however_old_and_a_finished_one_is_not(settings):
    settings.SGPORTAL_EVENTS_DAYS = 14
    for finished in (None, days_ago(15), days_ago(1)):
        job = LabelJob.objects.create(changes={"a": "b"}, results={}, author="ada", finished_at=finished)
        LabelJob.objects.filter(pk=job.pk).update(created_at=days_ago(100))
    duties.forget()
    assert sorted(map(bool, LabelJob.objects.values_list("finished_at", flat=True))) == [False, True]


def test_what_is_over_goes_with_it():
    Session.objects.create(session_key="old", session_data="x", expire_date=days_ago(1))
    Session.objects.create(session_key="new", session_data="x", expire_date=days_ago(-1))
    for name, days in (("dead", 3), ("last", 2)):
        Heartbeat.objects.create(kind="worker", name=name, at=days_ago(days))
    LogInCount.objects.create(key="old", count=3, expires_at=days_ago(1))
    WorkKey.objects.create(key="labeljobs/1", requested=1, done=1)
    WorkKey.objects.create(key="labeljobs/2", requested=2, done=1)
    duties.clear()
    assert [each.session_key for each in Session.objects.all()] == ["new"]
    assert [each.key for each in WorkKey.objects.all()] == ["labeljobs/2"]
    assert [each.name for each in Heartbeat.objects.all()] == ["last"]  # since when there is none
    assert not LogInCount.objects.exists()


def test_a_great_many_rows_go_in_turns_that_nobody_waits_for(monkeypatch, settings):
    settings.SGPORTAL_EVENTS_DAYS = 14
    monkeypatch.setattr(duties, "BATCH", 3)
    monkeypatch.setattr(duties, "MOST_BATCHES", 2)
    for number in range(10):
        event(20 + number)
    assert duties.forget() == duties.SOON
    assert GridEvent.objects.count() == 4
    assert duties.forget() == duties.RETENTION_SECONDS
    assert GridEvent.objects.count() == 0


def test_of_each_kind_some_go_in_a_turn_however_many_there_are_of_another(monkeypatch):
    monkeypatch.setattr(duties, "BATCH", 2)
    monkeypatch.setattr(duties, "MOST_BATCHES", 1)
    for number in range(7):
        Journal.objects.create(kind="grid", key=str(number), at=days_ago(1))
        CellHistory.objects.create(kind="DeploymentGrid", unit=str(number), since=days_ago(99), until=days_ago(98))
        event(20 + number)
    audited(400)
    LabelHistory.objects.create(node="n", key="beat", value="1", until=days_ago(1))
    RememberedLabel.objects.create(key="beat", kept=False)
    assert duties.forget() == duties.SOON
    assert [model.objects.count() for model in (Journal, CellHistory, GridEvent)] == [5, 5, 5]
    assert [model.objects.count() for model in (AuditEvent, LabelHistory)] == [0, 0]


def test_what_is_over_and_what_is_so_wait_for_no_backlog(monkeypatch):
    """Work for three duties: none of them comes later because another has much to do."""
    monkeypatch.setattr(duties, "BATCH", 1)
    monkeypatch.setattr(duties, "MOST_BATCHES", 1)
    for number in range(3):
        event(20 + number)
    Session.objects.create(session_key="old", session_data="x", expire_date=days_ago(1))
    builders.a_node("n1")
    duties.ensure()
    for key in sorted(DUTIES - {"duties/resync"}):
        run(key)
    assert GridEvent.objects.count() == 2
    assert not Session.objects.exists()
    assert NodeHistory.objects.filter(node="n1").exists()


def test_every_duty_is_due_at_once_and_again_after_its_time():
    duties.ensure()
    assert {key for key in workqueue.waiting(10) if key.startswith("duties/")} == DUTIES
    for key in DUTIES:
        run(key)
    rows = WorkKey.objects.filter(key__in=DUTIES)
    assert all(row.requested > row.done and row.next_at > timezone.now() and not row.error for row in rows)


def test_a_duty_whose_row_was_deleted_or_says_done_is_done_again():
    duties.ensure()
    WorkKey.objects.filter(key="duties/resync").delete()
    WorkKey.objects.filter(key="duties/retention").update(requested=7, done=7)
    duties.ensure()
    assert {key for key in workqueue.waiting(10) if key.startswith("duties/")} == DUTIES


def test_what_is_old_goes_while_everything_else_stands_still(settings):
    settings.SGPORTAL_EVENTS_DAYS = 14
    event(20)
    halt.begin("another-cluster", {"uid": "a", "seen": "b", "grids": 0})
    duties.ensure()
    run("duties/retention")
    assert not GridEvent.objects.exists()


def test_the_age_of_the_oldest_work_counts_from_the_wish_or_the_end_of_its_pause():
    """As the metric tells it: not what is done, not what waits for its time, and not what somebody is at."""
    assert WorkKey.objects.oldest_seconds() == 0
    workqueue.enqueue(["servicegrids/default/a"])
    WorkKey.objects.update(since=timezone.now() - timedelta(seconds=100))
    workqueue.enqueue(["servicegrids/default/a"])
    assert 100 <= WorkKey.objects.oldest_seconds() < 110, "another wish makes the first no younger"
    with workqueue.acquire("servicegrids/default/a") as turn:
        assert WorkKey.objects.oldest_seconds() == 0
        workqueue.done(turn, requeue_after=50)
    assert WorkKey.objects.oldest_seconds() == 0
    WorkKey.objects.update(next_at=timezone.now() - timedelta(seconds=20), since=timezone.now() - timedelta(seconds=70))
    assert 20 <= WorkKey.objects.oldest_seconds() < 30
