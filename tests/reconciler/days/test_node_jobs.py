"""Jobs on nodes in a cluster: a node goes from one NodeUnit to another without leaving pods behind, budgets are kept,
a process may die between any two steps, and what was done can be taken back."""

import contextlib

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from sgportal import actions
from sgportal.cluster import Cluster, Refused, Unreachable
from sgportal.core.node_jobs import fail
from sgportal.core.text import say
from sgportal.models import LabelJob, Node, WorkKey
from sgportal.reconciler import label_jobs, node_steps
from sgportal.reconciler.worker import run

from ..world import ADA, a_grid, a_template


@pytest.fixture
def moving(world):
    """Two NodeUnits, the second of two nodes, with two pods in each."""
    for node, unit in (("node0", "a"), ("node1", "b"), ("node2", "b")):
        world.label(node, zone=unit)
    world.save(a_grid("web", template=a_template(replicas=2)))
    world.settle()
    world.until_ready("web-a", "web-b")
    world.look()
    return world


def carry_on(world, job, seconds=75):
    """Work on a job, as workers do, until it is over."""

    def over():
        label_jobs.run(str(job.pk), world.cluster)
        world.look()
        world.settle()
        job.refresh_from_db()
        return job.over

    world.until(over, seconds)
    return job


def live(world, name):
    """A node as the cluster has it: its NodeUnit, and whether it is cordoned."""
    node = next(each for each in world.cluster.list("Node").items if each["metadata"]["name"] == name)
    return node["metadata"]["labels"].get("zone"), bool(node["spec"].get("unschedulable"))


def on(world, name):
    """Which workloads' pods are on a node."""
    pods = world.cluster.list("Pod", "default", field_selector=f"spec.nodeName={name}").items
    return {pod["metadata"]["name"].rsplit("-", 2)[0] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


@contextlib.contextmanager
def budget(world, least):
    """A PodDisruptionBudget over the pods of the grid."""
    spec = {"minAvailable": least, "selector": {"matchLabels": {"appGrid": "echo"}}}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}
    call, path = world.cluster._transport.call, "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    call("POST", path, body=body, headers={"Content-Type": "application/json"})
    try:
        yield
    finally:
        call("DELETE", f"{path}/web")


def test_a_node_moves_and_comes_back(moving):
    told = actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True, dry_run=True)
    assert {each.node for each in told.evictions} <= {"node1"}
    assert {each.pod.rsplit("-", 2)[0] for each in told.evictions} == on(moving, "node1")

    job = carry_on(moving, actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True))
    assert (job.state, live(moving, "node1")) == ("done", ("a", False))
    assert "web-b" not in on(moving, "node1")

    undone = carry_on(moving, actions.undo_job(job.pk, ADA))
    assert (undone.state, live(moving, "node1")) == ("done", ("b", False))
    assert "web-a" not in on(moving, "node1")


def test_what_somebody_else_changed_since_is_not_taken_back(moving):
    job = carry_on(moving, actions.label_nodes(["node1", "node2"], {"zone": "a"}, ADA))
    moving.label("node1", zone="c")
    moving.look()
    undone = carry_on(moving, actions.undo_job(job.pk, ADA))
    assert (live(moving, "node1")[0], live(moving, "node2")[0]) == ("c", "b")
    assert undone.state == "failed"
    assert "changed since" in undone.results["node1"]["detail"]
    moving.label("node2", zone="c")
    moving.look()
    with pytest.raises(actions.Refused, match="changed since"):
        actions.undo_job(job.pk, ADA)


def test_the_preview_says_what_a_budget_would_refuse(moving):
    with budget(moving, 99):
        moving.until(lambda: actions.schedule_nodes(["node1"], "drain", ADA, dry_run=True).refusals)
        told = actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True, dry_run=True)
        assert told.evictions
        assert {each.pod for each in told.refusals} == {each.pod for each in told.evictions}
        assert {(each.budgets, each.disruptions_allowed) for each in told.refusals} == {(("web",), 0)}
        drained = actions.schedule_nodes(["node1"], "drain", ADA, dry_run=True)
        assert {each.pod for each in drained.refusals} >= {each.pod for each in told.refusals}
    free = actions.schedule_nodes(["node1"], "drain", ADA, dry_run=True)
    assert (free.refusals, free.unknown) == ((), None)


@pytest.mark.embedded_only
def test_each_node_goes_to_a_unit_of_its_own_in_one_job(moving):
    job = carry_on(moving, actions.assign_units("zone", {"node1": "c", "node2": "d"}, ADA, move=True))
    assert job.state == "done"
    assert [live(moving, name)[0] for name in ("node0", "node1", "node2")] == ["a", "c", "d"]


@pytest.mark.embedded_only
def test_a_node_that_was_cordoned_stays_so(moving):
    carry_on(moving, actions.schedule_nodes(["node1"], "cordon", ADA))
    job = carry_on(moving, actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True))
    assert live(moving, "node1") == ("a", True)
    carry_on(moving, actions.undo_job(job.pk, ADA))
    assert live(moving, "node1") == ("b", True)


@pytest.mark.embedded_only
def test_a_drain_takes_the_pods_of_grids_and_is_taken_back(moving):
    job = carry_on(moving, actions.schedule_nodes(["node1"], "drain", ADA))
    assert (live(moving, "node1"), on(moving, "node1")) == (("b", True), set())
    carry_on(moving, actions.undo_job(job.pk, ADA))
    assert live(moving, "node1") == ("b", False)
    with pytest.raises(actions.Refused):
        actions.undo_job(carry_on(moving, actions.schedule_nodes(["node1"], "uncordon", ADA)).pk, ADA)


def test_what_a_budget_keeps_is_waited_for_and_can_be_stopped(moving):
    with budget(moving, 4):
        job = actions.schedule_nodes(["node0"], "drain", ADA)
        assert label_jobs.run(str(job.pk), moving.cluster) == label_jobs.WAIT_SECONDS
        job.refresh_from_db()
        record = job.results["node0"]
        assert (job.state, record["state"], record["step"]) == ("running", "pending", "evict")
        assert record["waiting"]["id"].startswith("%(count)s pods may not be evicted now")
        assert on(moving, "node0") == {"web-a"}

        back = actions.undo_job(job.pk, ADA)
        assert label_jobs.run(str(back.pk), moving.cluster) == label_jobs.WAIT_SECONDS, "it waits for the other's end"
        assert carry_on(moving, job).state == "failed"
        assert carry_on(moving, back).state == "done"
        assert (live(moving, "node0"), on(moving, "node0")) == (("a", False), {"web-a"})


@pytest.mark.embedded_only
@pytest.mark.parametrize("after", range(1, 5))
def test_a_process_may_die_after_any_write(moving, monkeypatch, after):
    """What was written is written once more or found done; nothing is left cordoned."""
    job, writes = actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True), []

    class Killed(BaseException):
        pass

    def dying(name):
        real = getattr(Cluster, name)

        def call(*arguments, **options):
            found = real(*arguments, **options)
            writes.append(name)
            if len(writes) == after:
                raise Killed
            return found

        monkeypatch.setattr(Cluster, name, call)

    dying("patch")
    dying("evict")
    monkeypatch.setattr(label_jobs, "map_parallel", lambda function, items: [function(each) for each in items])

    def until_killed():
        while label_jobs.run(str(job.pk), moving.cluster):
            moving.look()

    with pytest.raises(Killed):
        until_killed()
    monkeypatch.undo()
    assert carry_on(moving, job).state == "done"
    assert live(moving, "node1") == ("a", False)
    assert "web-b" not in on(moving, "node1")


@pytest.mark.embedded_only
def test_a_label_that_is_refused_leaves_no_node_cordoned(moving, monkeypatch):
    real = Cluster.patch

    def patch(cluster, kind, namespace, name, change, *rest, **options):
        if "labels" in change.get("metadata", {}):
            raise Refused("a policy says no")
        return real(cluster, kind, namespace, name, change, *rest, **options)

    monkeypatch.setattr(Cluster, "patch", patch)
    job = actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True)
    carry_on(moving, job)
    assert (job.state, job.results["node1"]["detail"]) == ("failed", "the cluster refuses: a policy says no")
    assert live(moving, "node1") == ("b", False)


@pytest.mark.embedded_only
def test_a_cluster_that_is_away_is_asked_again(moving, monkeypatch):
    monkeypatch.setattr(Cluster, "evict", lambda *_: (_ for _ in ()).throw(Unreachable("away")))
    job = actions.schedule_nodes(["node0"], "drain", ADA)
    with pytest.raises(Unreachable):
        label_jobs.run(str(job.pk), moving.cluster)
    job.refresh_from_db()
    assert (job.results["node0"]["step"], job.state) == ("evict", "running")
    monkeypatch.undo()
    assert carry_on(moving, job).state == "done"


@pytest.mark.embedded_only
def test_a_lost_node_is_not_waited_for(moving):
    moving.embedded.set_node_ready("node1", None)
    moving.look()
    job = carry_on(moving, actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True))
    assert (job.state, live(moving, "node1")) == ("done", ("a", False))


@pytest.mark.embedded_only
def test_two_jobs_never_cordon_one_node(moving):
    actions.schedule_nodes(["node1"], "drain", ADA)
    with pytest.raises(actions.Refused):
        actions.label_nodes(["node0", "node1"], {"zone": "c"}, ADA, move=True)
    actions.label_nodes(["node0"], {"zone": "c"}, ADA, move=True)
    Node.objects.filter(name="node2").update(seen_at=timezone.now())
    assert LabelJob.objects.count() == 2
    assert node_steps.workloads(["nobody"]) == frozenset()


@pytest.mark.embedded_only
@pytest.mark.parametrize("author", ["two\nlines", "ends in a blank "])
def test_a_job_of_whom_the_cluster_can_never_be_told_ends_and_says_why(moving, settings, author):
    """Its key failed anew for ever, and who began it was told nothing."""
    settings.SGPORTAL_IMPERSONATE = True
    job = actions.schedule_nodes(["node0", "node1"], "cordon", actions.Actor(author, "shell"))
    run(f"labeljobs/{job.pk}")
    job.refresh_from_db()
    assert job.state == "failed"
    assert {each["state"] for each in job.results.values()} == {"failed"}
    assert all("cannot be asked in the name of" in each["detail"] for each in job.results.values())
    assert not WorkKey.objects.filter(key=f"labeljobs/{job.pk}", failures__gt=0).exists()
    assert live(moving, "node0") == ("a", False)


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "said"), [("en", "stopped before it was done"), ("zh-hans", "完成之前已停止")])
def test_why_a_node_was_not_done_is_said_in_the_readers_language(language, said):
    """What an earlier version kept as a text stays one."""
    record = {"before": {"a": None}, "state": "failed", "detail": "100% of %(it)s", "step": "label"}
    results = {"old": record, "new": dict(record), "well": {**record, "state": "done", "detail": ""}}
    fail(results["new"], say("stopped before it was done"))
    job = LabelJob.objects.create(changes={"a": "b"}, results=results, author="ada", state="failed")
    client = Client(headers={"Accept-Language": language})
    client.force_login(User.objects.create_superuser("ada"))
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    rows = client.get(f"/jobs/{job.pk}/?format=csv").content.decode()
    told = {each["node"]: each["detail"] for each in client.get(f"/api/v1/jobs/{job.pk}").json()["results"]}
    assert told == {"new": said, "old": "100% of %(it)s", "well": ""}
    for text in (page, rows):
        assert said in text
        assert "100% of %(it)s" in text
    assert results["new"]["detail"] == "stopped before it was done"


@pytest.mark.embedded_only
@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("act", ["drain", "move"])
def test_a_node_that_has_taken_the_name_of_another_is_left_alone(moving, act, seen):
    """A machine is replaced while a job waits: what was meant for the old one was done to the new one, pods and all."""
    if act == "drain":
        job = actions.schedule_nodes(["node1"], "drain", ADA)
    else:
        job = actions.label_nodes(["node1"], {"zone": "a"}, ADA, move=True)
    old = moving.cluster.get("Node", "", "node1")
    moving.cluster.delete("Node", "", "node1", uid=old["metadata"]["uid"])
    moving.until(lambda: moving.cluster.get("Node", "", "node1") is None)
    new = {**old, "metadata": {"name": "node1", "labels": old["metadata"]["labels"]}}
    moving.cluster._transport.call("POST", "/api/v1/nodes", body=new, headers={"Content-Type": "application/json"})
    moving.server.set_node_ready("node1", True)
    if seen:
        moving.look()
    carry_on(moving, job)
    assert job.state == "failed"
    assert live(moving, "node1") == ("b", False)
    said = job.results["node1"]["detail"]
    assert ("another node has this name" in said) if seen else ("uid" in said.lower())
    with pytest.raises(actions.Refused):
        actions.undo_job(job.pk, ADA)
