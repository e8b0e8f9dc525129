"""Bad days, on the real wire: nothing is lost, nothing is doubled."""

import contextlib

import pytest
from django.db import connection
from django.utils import timezone

from sgportal.models import Grid, GridEvent, GridUnit, WorkKey
from sgportal.reconciler.process import connection as access
from sgportal.reconciler.queue import workqueue
from sgportal.reconciler.worker import run

from ..killed import Countdown, Killed, in_one_thread
from ..world import a_grid, a_template, seed

KEY = "deploymentgrids/default/g"


def submit(world, monkeypatch):
    """A grid that is wanted and not yet reconciled."""
    from sgportal.actions import save_grids

    from ..world import ADA

    world.label("node0", zone="a")
    world.label("node1", zone="b")
    save_grids([a_grid(template=a_template())], ADA)


def converged(world):
    world.server.reset_counts()
    WorkKey.objects.update(lease_until=None, next_at=timezone.now(), failures=0, queued=False)
    world.settle()
    world.until_ready("g-a", "g-b")
    assert world.names() == ["g-a", "g-b"]
    assert world.names("DeploymentGrid") == ["g"]
    assert Grid.objects.get(kind="DeploymentGrid").state == "Ready"
    assert sorted(GridUnit.objects.exclude(name="").values_list("name", "state")) == [("a", "Ready"), ("b", "Ready")]


def steps(world, monkeypatch):
    """How many operations a whole reconcile takes."""
    with monkeypatch.context() as patch:
        counter = Countdown(world, patch, 0)
        with connection.execute_wrapper(counter):
            run(KEY)
    return counter.count


def test_a_process_killed_between_any_two_steps_loses_and_doubles_nothing(world, monkeypatch):
    submit(world, monkeypatch)
    in_one_thread(monkeypatch)
    total = steps(world, monkeypatch)
    assert total > 25
    converged(world)
    uids = {name: world.get(name)["metadata"]["uid"] for name in world.names()}
    for fatal in range(1, total + 1):
        spoil(world)
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            counter = Countdown(world, patch, fatal)
            with connection.execute_wrapper(counter):
                run(KEY)
        converged(world)
        assert world.get("g-a")["metadata"]["uid"] == uids["g-a"], f"killed at step {fatal}"


def spoil(world):
    """Unit b's child is gone, unit a's has drifted, for the first time in long, and the grid is due."""
    GridUnit.objects.update(attempts={})
    world.cluster.delete("Deployment", "default", "g-b")
    world.edit("g-a", {"spec": {"replicas": 0}})
    WorkKey.objects.update(lease_until=None, next_at=timezone.now(), failures=0)
    workqueue.enqueue([KEY])


def test_unreachable_at_the_start_keeps_the_intent_and_converges_afterwards(world, monkeypatch):
    submit(world, monkeypatch)
    world.server.unreachable(True)
    run(KEY)
    row = WorkKey.objects.get(key=KEY)
    assert row.failures == 1
    assert row.next_at > timezone.now()
    assert "does not answer" in row.error
    assert Grid.objects.get().spec["gridUniqKey"] == "zone"
    world.server.unreachable(False)
    converged(world)


def test_half_an_hour_without_the_cluster_is_retried_ever_more_slowly_and_for_ever(world, monkeypatch, settings):
    submit(world, monkeypatch)
    world.server.unreachable(True)
    waits = []
    for _ in range(14):
        run(KEY)
        row = WorkKey.objects.get(key=KEY)
        waits.append((row.next_at - timezone.now()).total_seconds())
        WorkKey.objects.update(next_at=timezone.now())
    assert WorkKey.objects.get(key=KEY).failures == 14
    assert waits[0] <= 1.0 < waits[4]
    assert all(
        settings.SGPORTAL_BACKOFF_CAP_SECONDS / 2 - 1 <= wait <= settings.SGPORTAL_BACKOFF_CAP_SECONDS
        for wait in waits[10:]
    )
    world.server.unreachable(False)
    converged(world)


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "code": 500},
        {"effect": "status", "code": 503},
        {"effect": "status", "code": 409},
        {"effect": "status", "code": 429, "retry_after": 7},
        {"effect": "drop"},
        {"effect": "truncate"},
    ],
    ids=lambda fault: f"{fault['effect']}-{fault.get('code', '')}",
)
@pytest.mark.parametrize("where", ["deployments/g-a", "deploymentgrids/g", "deployments$"])
def test_a_failing_answer_anywhere_is_got_over(world, monkeypatch, fault, where):
    submit(world, monkeypatch)
    world.embedded.faults.add(path=where, count=1, **fault)
    world.settle()
    converged_later(world)


def converged_later(world):
    GridUnit.objects.update(next_at=None)
    converged(world)
    world.resync()
    assert world.names() == ["g-a", "g-b"]


@pytest.mark.embedded_only
def test_429_is_waited_for_as_long_as_asked(world, monkeypatch):
    submit(world, monkeypatch)
    world.embedded.faults.add("status", code=429, retry_after=40, path="deployments", methods=["PATCH"])
    run(KEY)
    row = WorkKey.objects.get(key=KEY)
    assert 38 < (row.next_at - timezone.now()).total_seconds() <= 40
    assert world.server.requests["PATCH", "deployments"] <= 8


@pytest.mark.embedded_only
def test_silence_is_given_up_after_a_while(world, monkeypatch):
    submit(world, monkeypatch)
    access.cluster()._transport._read_seconds = 0.3
    world.embedded.faults.add("silence", path="deployments/g-a", count=1)
    run(KEY)
    assert WorkKey.objects.get(key=KEY).failures == 1
    converged_later(world)


@pytest.mark.embedded_only
def test_one_units_trouble_does_not_stop_the_others_and_is_said_once(world, monkeypatch):
    submit(world, monkeypatch)
    world.embedded.faults.add("status", code=403, methods=["PATCH"], path="deployments/g-a")
    for _ in range(5):
        world.settle()
        GridUnit.objects.update(next_at=None)
        workqueue.enqueue([KEY])
    assert world.names() == ["g-b"]
    unit = GridUnit.objects.get(name="a")
    assert (unit.state, unit.failures >= 3) == ("Blocked", True)
    assert GridEvent.objects.filter(unit="a", type="Warning").count() == 1
    world.embedded.faults.clear()
    converged_later(world)


def test_a_database_that_is_locked_is_tried_again(world, monkeypatch):
    from django.db import OperationalError

    submit(world, monkeypatch)
    calls = iter([True])

    def locked(execute, sql, params, many, context):
        if "sgportal_gridunit" in sql and next(calls, False):
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(locked):
        run(KEY)
    assert "database is locked" in WorkKey.objects.get(key=KEY).error
    converged_later(world)


def test_two_workers_never_hold_one_key(world, monkeypatch):
    submit(world, monkeypatch)
    with workqueue.acquire(KEY) as first, workqueue.acquire(KEY) as second:
        assert first is not None
        assert second is None
        workqueue.enqueue([KEY])
        with workqueue.acquire(KEY) as third:
            assert third is None
        workqueue.done(first)
    row = WorkKey.objects.get(key=KEY)
    assert row.requested > row.done  # the wish made meanwhile is not lost


@pytest.fixture
def sent(monkeypatch, settings):
    """The messages sent, where there is a broker."""
    found = []
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("sgportal.reconciler.queue.workqueue._send", found.extend)
    return found


def test_a_wish_whose_message_came_too_early_gets_another(world, monkeypatch, sent):
    submit(world, monkeypatch)
    sent.clear()
    WorkKey.objects.update(queued=False)
    with workqueue.acquire(KEY) as lease:
        workqueue.enqueue([KEY])
        run(KEY)  # the message arrives while the key is held: there is nothing to do for it
        workqueue.done(lease)
    assert sent == [KEY, KEY]


def test_the_clock_of_a_machine_says_nothing_about_leases(world, monkeypatch):
    """What is due at once is due by a clock that is behind, too."""
    submit(world, monkeypatch)
    behind = timezone.now() - timezone.timedelta(seconds=30)
    with monkeypatch.context() as patch:
        patch.setattr("sgportal.models.clock.timezone.now", lambda: behind)
        assert WorkKey.objects.due().filter(key=KEY).exists()


def test_a_lease_runs_out_when_its_holder_dies(world, monkeypatch, settings):
    submit(world, monkeypatch)
    settings.SGPORTAL_LEASE_SECONDS = 1
    assert workqueue._take(KEY) is not None  # taken by a process that dies at once
    assert WorkKey.objects.due().filter(key=KEY).count() == 0
    world.until(lambda: WorkKey.objects.due().filter(key=KEY).exists(), 3)
    converged(world)


def test_wishes_coalesce_and_workers_find_what_no_message_brings(world, monkeypatch, sent):
    submit(world, monkeypatch)
    sent.clear()
    WorkKey.objects.update(queued=False)
    assert workqueue.waiting(10) == [KEY]
    for _ in range(50):
        workqueue.enqueue([KEY])
    assert sent == [KEY]
    assert workqueue.waiting(10) == [], "a message is on its way"
    WorkKey.objects.update(queued_at=timezone.now() - timezone.timedelta(seconds=6))
    assert workqueue.waiting(10) == [KEY], "and did not arrive"
    WorkKey.objects.update(queued=False, next_at=timezone.now() + timezone.timedelta(seconds=60))
    assert workqueue.waiting(10) == [], "it is in back-off"


def test_where_no_broker_answers_workers_are_not_told_to_wait_for_a_message(world, monkeypatch, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(type(workqueue.sender()), "is_worth_it", False)
    submit(world, monkeypatch)
    workqueue.enqueue([KEY])
    assert workqueue.waiting(10) == [KEY]
    converged(world)


def test_nothing_happens_before_the_nodes_were_ever_listed(world, monkeypatch):
    from sgportal.models import ResourceSync

    submit(world, monkeypatch)
    ResourceSync.objects.all().delete()
    run(KEY)
    assert world.names() == []
    world.look()
    converged(world)


@pytest.mark.embedded_only
def test_a_service_and_a_workload_do_not_wait_for_each_other(world, monkeypatch):
    submit(world, monkeypatch)
    world.embedded.faults.add("status", code=500, path="default/services", methods=["PATCH"])
    world.save(seed("servicegrid"))
    converged(world)
    world.embedded.faults.clear()
    world.resync()
    assert world.names("Service") == ["servicegrid-demo-svc"]
