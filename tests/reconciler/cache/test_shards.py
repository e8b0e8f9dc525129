"""Several processes that follow the cluster together: each shard is somebody's, whoever dies, and only one's."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from sgportal.actions.fleet import decide
from sgportal.api.probes.metrics import _mirror
from sgportal.cluster import MERGE_PATCH, Identity
from sgportal.core.fleet.halt import CHILDREN_GONE, RESTORE
from sgportal.core.names import APISERVER
from sgportal.core.shards import WHOLE, Shard, all_of
from sgportal.management.demo_world import is_mirrored
from sgportal.models import Child, Grid, Lease, ManagedCluster, Pod, ResourceSync
from sgportal.queries.freshness import freshness, seen_once
from sgportal.queries.held import plan_of_halt
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.cache.enqueue import Changes
from sgportal.reconciler.cache.freshness import SyncFreshness
from sgportal.reconciler.cache.resources import DIVIDED, SOURCES, sources_of
from sgportal.reconciler.fleet.doubts import LOOKS, Doubts
from sgportal.reconciler.fleet.guard import Guard
from sgportal.reconciler.process import heartbeat
from sgportal.reconciler.process.lease import ProcessLease, unattended_shards
from sgportal.reconciler.process.turns import Turns, together

from ..watching import a_team, a_watch, holders, unit_of, until
from ..world import ADA, World, a_template

FIRST, SECOND = all_of(2)


def workload(world: World, name: str) -> None:
    """A Deployment of the grid `g`, whose pod the cluster makes."""
    metadata = {"name": name, "namespace": "default", "labels": {"superedge.io/grid-selector": "g"}}
    world.cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": a_template()})


def rows_are_as_the_cluster(world: World) -> bool:
    pods = {each["metadata"]["uid"] for each in world.cluster.list("Pod", "default").items}
    children = {each["metadata"]["name"] for each in world.cluster.list("Deployment", "default").items}
    stored = set(Child.objects.filter(kind="Deployment", namespace="default").values_list("name", flat=True))
    return pods == set(Pod.objects.values_list("uid", flat=True)) and children == stored and bool(pods)


@pytest.mark.embedded_only
def test_two_processes_share_the_pods_and_whoever_is_left_takes_over(world: World) -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    for number in range(8):
        workload(world, f"g-u{number}")
    with a_team(world.cluster, 2) as first, a_team(world.cluster, 2) as second:
        until(lambda: set(holders().values()) == {first.name, second.name})
        until(lambda: rows_are_as_the_cluster(world))
        for shard in (FIRST, SECOND):
            assert any(shard.owns(uid) for uid in Pod.objects.values_list("uid", flat=True)), "each has some"
        assert {each.name("pods") for each in (FIRST, SECOND)} <= set(
            ResourceSync.objects.values_list("resource", flat=True)
        )
        first.kill()
        for number in range(8, 16):
            workload(world, f"g-u{number}")
        for number in range(4):
            world.cluster.delete("Deployment", "default", f"g-u{number}")
        world.cluster.patch("Node", "", "node0", {"metadata": {"labels": {"zone": "a"}}}, MERGE_PATCH)
        until(lambda: set(holders()) == {"1/2", "2/2"} and set(holders().values()) == {second.name})
        until(lambda: rows_are_as_the_cluster(world) and unit_of("node0") == "a")
        until(lambda: not freshness().lost)


@pytest.mark.embedded_only
def test_the_number_is_changed_while_processes_run_and_the_news_keeps_its_age(world: World) -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    workload(world, "g-u0")
    with a_watch(world.cluster, lease_seconds=1.5) as whole:
        until(lambda: rows_are_as_the_cluster(world))
        with a_team(world.cluster, 2) as team:
            until(lambda: team.watchers[0]._turns._sign._next > 0)  # it has looked, and stands by
            assert not holders(), "nobody acts for a shard while one process acts for all"
            whole.stop()
            until(lambda: set(holders()) == {"1/2", "2/2"})
            assert freshness().observed_at is not None, "what is stored is as old as it was, not unknown"
            workload(world, "g-u1")
            until(lambda: rows_are_as_the_cluster(world))
            until(lambda: not ResourceSync.objects.filter(resource__in=DIVIDED).exists())
        with a_watch(world.cluster, lease_seconds=1.5):
            assert not holders()
            assert set(ResourceSync.objects.values_list("resource", flat=True)) == {
                APISERVER,
                *(source.resource for source in SOURCES),
            }


def lease(shard: Shard = WHOLE) -> ProcessLease:
    return ProcessLease(60.0, "watch", shard)


def run_out() -> None:
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
class TestLeases:
    def test_each_shard_is_one_process(self) -> None:
        one, other = lease(FIRST), lease(SECOND)
        assert one.take()
        assert other.take()
        assert not lease(FIRST).take()
        assert not lease(SECOND).take()
        assert one.renew()
        assert other.renew()

    def test_nobody_acts_for_a_shard_while_another_acts_for_all_and_the_other_way_round(self) -> None:
        whole, half = lease(), lease(FIRST)
        assert whole.take()
        assert not half.take()
        whole.release()
        assert half.take()
        assert not lease().take()
        assert not lease(Shard(0, 3)).take()
        half.release()
        assert lease().take()

    def test_one_that_is_left_keeps_the_number(self) -> None:
        one, other = lease(FIRST), lease(SECOND)
        assert one.take()
        assert other.take()
        one.release()
        assert not lease().take()
        assert lease(FIRST).take()

    @pytest.mark.parametrize("next_number", [1, 3])
    def test_who_was_away_too_long_writes_nothing_beside_those_of_another_number(self, next_number: int) -> None:
        frozen = lease(SECOND)
        assert frozen.take()
        run_out()
        assert lease(Shard(0, next_number)).take()
        assert not frozen.renew()
        assert not frozen.take()
        assert not Lease.objects.filter(name=SECOND.name("watch")).exists(), "waits for what it writes just now"

    def test_a_version_that_knows_no_shards_is_not_written_beside(self) -> None:
        half = lease(FIRST)
        assert half.take()
        Lease.objects.filter(name="watch").update(holder="a version before")
        assert not half.renew()


@pytest.mark.django_db
def test_a_list_of_one_shard_says_nothing_of_what_is_in_others() -> None:
    for number in range(20):
        Pod.objects.create(uid=f"u{number}", namespace="default", name=f"p{number}")
    refresh.write_absent("pods", {"u0"}, Changes(), owns=SECOND.owns)
    left = set(Pod.objects.values_list("uid", flat=True))
    assert left == {f"u{number}" for number in range(20) if FIRST.owns(f"u{number}")} | {"u0"}


def test_every_object_is_in_exactly_one_shard_and_shards_are_alike() -> None:
    for count in (1, 2, 3, 7):
        owned = [sum(shard.owns(f"default/web-{number}") for number in range(3000)) for shard in all_of(count)]
        assert sum(owned) == 3000
        assert max(owned) < 1.2 * 3000 / count
    assert [Shard.read(shard.text) for shard in (Shard(), *all_of(3))] == [Shard(), *all_of(3)]


def test_what_is_not_divided_is_followed_by_the_first_alone() -> None:
    named = [{source.resource for source in sources_of(shard)} for shard in all_of(3)]
    assert named[0] == {source.resource for source in SOURCES}
    assert named[1] == named[2] == DIVIDED


def body(uid: str) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": uid, "namespace": "default", "resourceVersion": "1"}}


def test_others_objects_are_neither_stored_nor_taken_for_gone() -> None:
    pods = {source.resource: source for source in sources_of(SECOND)}["pods"]
    uids = [f"u{number}" for number in range(20)]
    rows, there = pods.translate(map(body, uids))
    assert set(rows) == there == set(filter(SECOND.owns, uids)) != set(uids)
    assert [pods.is_anothers(body(uid)) for uid in uids] == [FIRST.owns(uid) for uid in uids]
    assert not pods.is_anothers({"metadata": {}}), "what cannot be understood is said to be so, as ever"


@pytest.mark.django_db
class TestFreshness:
    def test_it_is_as_old_as_the_oldest_shard(self) -> None:
        now = timezone.now()
        for shard, at in ((FIRST, now), (SECOND, now - timedelta(seconds=600))):
            ResourceSync.objects.create(resource=shard.name("pods"), synced_at=at, heard_at=at)
        assert freshness().observed_at == now - timedelta(seconds=600)
        assert freshness().stale

    def test_a_shard_that_nobody_acts_for_is_seen_within_seconds(self) -> None:
        now = timezone.now()
        for shard, at in ((FIRST, now), (SECOND, now - timedelta(seconds=30))):
            ResourceSync.objects.create(resource=shard.name(APISERVER), synced_at=now, heard_at=at)
        assert freshness().stale

    def test_nothing_was_seen_until_every_shard_was(self) -> None:
        SyncFreshness(["pods"], {"pods"}, FIRST)
        assert not seen_once("pods")
        ResourceSync.objects.filter(resource=FIRST.name("pods")).update(synced_at=timezone.now())
        assert not seen_once("pods")
        ResourceSync.objects.update(synced_at=timezone.now())
        assert seen_once("pods")
        assert not seen_once("pod"), "no other resource whose name begins so"

    def test_another_number_of_shards_begins_with_the_age_of_the_news(self) -> None:
        now = timezone.now()
        ResourceSync.objects.create(resource="pods", synced_at=now, heard_at=now)
        ResourceSync.objects.create(resource="nodes", synced_at=now, heard_at=now)
        SyncFreshness(["pods", "nodes"], {"pods"}, FIRST)
        assert set(ResourceSync.objects.values_list("resource", "heard_at")) == {
            ("nodes", now),
            ("pods 1/2", now),
            ("pods 2/2", now),
        }
        ResourceSync.objects.filter(resource="pods 2/2").update(heard_at=now - timedelta(seconds=9), synced_at=None)
        SyncFreshness(["pods", "nodes"], {"pods"})
        assert ResourceSync.objects.get(resource="pods").heard_at == now - timedelta(seconds=9)
        assert not seen_once("pods")
        assert ResourceSync.objects.count() == 2


@pytest.mark.django_db
def test_workloads_that_one_shard_lacks_stop_everything_and_are_a_matter_of_that_shard_alone() -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    names = [f"g-u{number}" for number in range(20)]
    for name in names:
        Child.objects.create(kind="Deployment", namespace="default", name=name, uid=name, grid_name="g")
    own, others = ([f"default/{name}" for name in names if shard.owns(f"default/{name}")] for shard in (SECOND, FIRST))
    lacking, healthy = (Doubts(lambda *_: None, shard) for shard in (SECOND, FIRST))
    believed = [lacking.believes("deployments", set(), set(own)) for _ in range(LOOKS)]
    assert not any(believed)
    row = ManagedCluster.now()
    assert (row.halt, row.facts) == (
        CHILDREN_GONE,
        {"resource": "deployments", "shard": "2/2", "children": len(own)},
    )
    assert healthy.believes("deployments", set(others), set(others)), "it lacks nothing, whatever others lack"
    assert ManagedCluster.now().halt == CHILDREN_GONE, "that others lack nothing does not end it"
    assert {step.name for _, step in plan_of_halt(row, RESTORE).steps} == {place.partition("/")[2] for place in own}
    decide(RESTORE, row.halt_id, ADA)
    left = Child.objects.values_list("name", flat=True)
    assert {f"default/{name}" for name in left} == set(others)


@pytest.mark.django_db
class TestTurns:
    def team(self, count: int = 2) -> tuple[Turns, dict[Shard, ProcessLease]]:
        turns = Turns("watch", count, 60.0, float("inf"))  # leaves nothing to others for any length of time
        return turns, {shard: turns.lease(60.0, shard) for shard in all_of(count)}

    def test_a_process_alone_acts_for_all_and_gives_to_one_that_has_none(self) -> None:
        turns, leases = self.team()
        assert all(turns.take(lease, shard) for shard, lease in leases.items())
        turns.beat()
        assert not any(map(turns.is_to_give, leases)), "there is nobody to give to"
        other, others = self.team()
        assert not any(other.take(lease, shard) for shard, lease in others.items())
        other.beat()
        assert [turns.is_to_give(shard) for shard in (FIRST, SECOND)] == [False, True]
        leases[SECOND].release()
        turns.lost(SECOND)
        assert other.take(others[SECOND], SECOND)
        assert (turns.held, other.held) == ({0}, {1})
        assert not turns.is_to_give(FIRST)

    def test_what_is_free_is_left_to_others_for_a_while_by_who_has_some(self) -> None:
        turns = Turns("watch", 2, 1e9, 1.0)  # a while that does not end
        leases = {shard: turns.lease(60.0, shard) for shard in all_of(2)}
        assert turns.take(leases[FIRST], FIRST)
        assert not turns.take(leases[SECOND], SECOND)
        other, others = self.team()
        assert other.take(others[SECOND], SECOND)

    def test_nothing_is_given_to_a_process_that_was_told_another_number(self) -> None:
        turns, leases = self.team()
        assert all(turns.take(lease, shard) for shard, lease in leases.items())
        for count in (1, 3):
            self.team(count)[0].beat()
        assert not any(map(turns.is_to_give, leases))

    def test_one_that_ends_by_itself_ends_the_others_and_is_told(self) -> None:
        ended = threading.Event()

        def long(over: threading.Event) -> None:
            assert over.wait(75)
            ended.set()

        def wrong(_over: threading.Event) -> None:
            raise LookupError("went wrong")

        with pytest.raises(LookupError, match="went wrong"):
            together([long, wrong], threading.Event())
        assert ended.is_set()


@pytest.mark.django_db
def test_metrics_say_how_old_the_news_of_each_shard_is() -> None:
    now = timezone.now()
    for name in ("nodes", FIRST.name("pods"), SECOND.name("pods")):
        ResourceSync.objects.create(resource=name, heard_at=now)
    labels = [tuple(each.labels.items()) for family in _mirror() for each in family.samples]
    assert (("resource", "pods"), ("shard", "2/2")) in labels
    assert (("resource", "nodes"), ("shard", "")) in labels
    ResourceSync.objects.exclude(resource="nodes").delete()
    assert {tuple(each.labels.items()) for family in _mirror() for each in family.samples} == {(("resource", "nodes"),)}


@pytest.mark.django_db
def test_the_first_cluster_is_no_other_cluster_to_shards_that_did_not_tell_of_it() -> None:
    guards = [Guard(identity, alone=False) for identity in (Identity(), Identity())]
    for guard in guards:
        guard.identity.seen = "u1"
    with transaction.atomic():
        guards[0].conclude()
    for guard in guards:
        assert guard.hold()
    ManagedCluster.objects.update(uid="u2")
    assert not any(guard.hold() for guard in guards)


@pytest.mark.django_db
def test_the_demo_waits_for_every_shard() -> None:
    began, later = timezone.now(), timezone.now() + timedelta(seconds=9)
    ResourceSync.objects.create(resource=FIRST.name(APISERVER))
    ResourceSync.objects.create(resource=FIRST.name("pods"), synced_at=later)
    ResourceSync.objects.create(resource=SECOND.name("pods"))
    assert not is_mirrored(began)
    ResourceSync.objects.filter(resource=SECOND.name("pods")).update(synced_at=later)
    assert is_mirrored(began)


@pytest.mark.django_db
def test_shards_that_nobody_acts_for_are_counted_and_those_of_each_process_are_told() -> None:
    assert unattended_shards() == {"watch": 1, "keeper": 1}
    assert lease().take()
    assert unattended_shards() == {"watch": 0, "keeper": 1}
    Lease.objects.all().delete()
    turns = Turns("watch", 3, 60.0, 60.0)
    first = turns.lease(60.0, Shard(0, 3))
    assert turns.take(first, Shard(0, 3))
    turns.beat()
    assert unattended_shards() == {"watch": 2, "keeper": 1}
    assert heartbeat.shards() == {"watch": {turns.holder: [1]}}
    run_out()
    assert unattended_shards()["watch"] == 1, "nothing is divided any more, and nobody acts"
