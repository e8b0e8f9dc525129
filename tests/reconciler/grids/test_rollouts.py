"""The state of a unit follows Kubernetes' own rollout rule, on the embedded and on the real control plane: a failed
rollout is never Ready, and what waits on purpose says so."""

import contextlib
import time

import pytest
from django.db.models import F
from django.utils import timezone

from sgportal.actions import save_grids
from sgportal.cluster import Cluster, Conflict
from sgportal.core.health import is_unhealthy
from sgportal.core.workloads import trouble
from sgportal.models import Pod, WorkKey
from sgportal.queries.per_unit.rollouts import is_stuck
from sgportal.reconciler.worker import run

from ..days.test_real_days import QUOTAS, quota
from ..world import ADA, World, a_grid, a_template

NAMESPACE = "default"
LATE = "ProgressDeadlineExceeded"


def a_set(name: str = "s", replicas: int = 3, image: str = "img:1", **template) -> dict:
    manifest = a_grid(name, template={**a_template(image, replicas), "serviceName": "s-svc", **template})
    return {**manifest, "kind": "StatefulSetGrid"}


def image(value):
    def edit(manifest):
        manifest["spec"]["template"]["template"]["spec"]["containers"][0]["image"] = value

    return edit


def cell(grid, unit="a"):
    grid.refresh_from_db()
    return grid.units.get(name=unit)


def conditions(grid):
    grid.refresh_from_db()
    return {each["type"]: each for each in grid.status["conditions"]}


def reasons(body):
    return {each["type"]: each["reason"] for each in body["status"]["conditions"]}


def settles(world: World, grid, state: str, reason: str = "", seconds: float = 75):
    """Wait until the unit is in a state for a reason, looking afresh each time; the cell."""

    def look():
        world.resync()
        found = cell(grid)
        return found if found.state == state and reason in ("", found.reason) else None

    try:
        return world.until(look, seconds)
    except AssertionError:
        found = cell(grid)
        raise AssertionError(f"{found.state} {found.reason}: {found.sentence}") from None


@pytest.fixture
def site(world: World) -> World:
    world.label("node0", zone="a")
    return world


def test_a_bad_image_is_told_while_the_old_pod_serves(site):
    grid = site.save(a_grid("one", template=a_template("img:1", 1)))
    settles(site, grid, "Ready")
    site.change(grid, image("fail.sgportal.test/x:2"))
    found = settles(site, grid, "Degraded")
    assert found.reason in ("ErrImagePull", "ImagePullBackOff")
    assert "fail.sgportal.test" in str(found.sentence)
    assert Pod.objects.filter(child="one-a", ready=True).count() == 1  # the old pod
    said = conditions(grid)
    assert (said["Ready"]["status"], said["Degraded"]["status"]) == ("False", "True")
    assert "1 of 1 units" in said["Ready"]["message"]
    site.change(grid, image("img:3"))
    settles(site, grid, "Ready", "AllReady")


def test_old_pods_in_trouble_are_no_failed_rollout(site):
    """The new pods are ready, though not yet for minReadySeconds; the old ones never were and stay until then."""
    grid = site.save(a_grid("mended", template=a_template("fail.sgportal.test/x:1", 2)))
    settles(site, grid, "Degraded")

    def mend(manifest):
        manifest["spec"]["template"]["minReadySeconds"] = 4
        image("img:2")(manifest)

    site.change(grid, mend)
    states, sentences = set(), set()

    def look():
        site.resync()
        found = cell(grid)
        states.add(found.state)
        sentences.add(str(found.sentence))
        return found.state == "Ready"

    site.until(look)
    assert states == {"Progressing", "Ready"}, sentences
    assert any("of the old template: " in each and "fail.sgportal.test" in each for each in sentences), sentences


def test_a_unit_whose_write_met_another_is_not_ready(site, monkeypatch):
    """Somebody else writes between our look and our write (409): the child is rolled out, but of the old spec."""
    grid = site.save(a_grid("met", template=a_template("img:1", 1)))
    settles(site, grid, "Ready")
    writes = []

    def refuse(cluster, body, **options):
        writes.append(body["metadata"]["name"])
        raise Conflict(409, "the object has been modified")

    monkeypatch.setattr(Cluster, "apply", refuse)
    save_grids([{**grid.source(), "spec": a_grid("met", template=a_template("img:2", 1))["spec"]}], ADA)
    for key in WorkKey.objects.due().values_list("key", flat=True):
        run(key)
    assert "met-a" in writes
    found = cell(grid)
    assert (found.state, found.reason) == ("Progressing", "Updating")
    assert conditions(grid)["Ready"]["status"] == "False"
    monkeypatch.undo()
    settles(site, grid, "Ready", "AllReady")
    assert site.get("met-a")["spec"]["template"]["spec"]["containers"][0]["image"] == "img:2"


def test_a_deadline_that_passed_is_degraded(site):
    """The Deployment controller looks again at the deadline where it has a second to go or more; with less it asks its
    rate limiter, which all that failed before share."""
    template = a_template("fail.sgportal.test/x:1", 1)
    grid = site.save(a_grid("late", template={**template, "progressDeadlineSeconds": 5}))
    settles(site, grid, "Degraded")

    site.until_equal(lambda: reasons(site.get("late-a"))["Progressing"], LATE, seconds=150)
    site.until(lambda: (site.resync(), cell(grid).notes)[1])
    found = cell(grid)
    assert (found.state, found.reason) == ("Degraded", "ImagePullBackOff")
    assert "fail.sgportal.test" in str(found.sentence)
    assert [(reason, str(sentence)) for reason, sentence in found.told] == [
        (LATE, "the rollout has made no progress within its deadline")
    ]
    assert is_stuck(found)  # so that a rollout in waves counts it as failed
    Pod.objects.all().delete()  # nothing known of the pods: the deadline alone is enough
    WorkKey.objects.update(requested=F("requested") + 1, next_at=timezone.now(), failures=0)
    site.settle()
    found = cell(grid)
    assert (found.state, found.reason, found.notes, is_stuck(found)) == ("Degraded", LATE, [], True)


def test_a_paused_rollout_says_so_and_goes_on_when_it_is_resumed(site):
    grid = site.save(a_grid("paus", template=a_template("img:1", 2)))
    settles(site, grid, "Ready")

    def pause(manifest):
        manifest["spec"]["template"]["paused"] = True
        image("img:2")(manifest)

    site.change(grid, pause)
    found = settles(site, grid, "Paused", "Paused")
    assert str(found.sentence) == "the rollout is paused: 0 of 2 pods are updated"
    said = conditions(grid)
    assert [said[each]["status"] for each in ("Ready", "Progressing", "Degraded")] == ["False", "False", "False"]
    assert not is_unhealthy(found.state)
    site.change(grid, lambda manifest: manifest["spec"]["template"].update(paused=False))
    settles(site, grid, "Ready", "AllReady")


def test_a_partition_is_complete_when_its_pods_are(site):
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    grid = site.save(a_set(updateStrategy=strategy))
    settles(site, grid, "Ready")
    site.change(grid, image("img:2"))
    found = settles(site, grid, "Partitioned", "Partitioned")
    assert str(found.sentence) == "1 of 3 updated, partition 2"
    assert conditions(grid)["Ready"]["status"] == "True"

    def everywhere(manifest):
        manifest["spec"]["template"]["updateStrategy"]["rollingUpdate"]["partition"] = 0

    site.change(grid, everywhere)
    settles(site, grid, "Ready", "AllReady")


def test_on_delete_waits_for_somebody_and_says_so(site):
    grid = site.save(a_set("ondel", 2, updateStrategy={"type": "OnDelete"}))
    settles(site, grid, "Ready")
    site.change(grid, image("img:2"))
    found = settles(site, grid, "OnDelete", "OnDelete")
    assert str(found.sentence).startswith("0 of 2 updated")
    site.cluster.delete("Pod", NAMESPACE, "ondel-a-1")
    site.until(lambda: (site.resync(), str(cell(grid).sentence).startswith("1 of 2"))[1])
    site.cluster.delete("Pod", NAMESPACE, "ondel-a-0")
    settles(site, grid, "Ready", "AllReady")


def test_min_ready_seconds_are_waited_for(site):
    grid = site.save(a_grid("slow", template={**a_template("img:1", 1), "minReadySeconds": 5}))
    site.until(lambda: site.get("slow-a").get("status", {}).get("readyReplicas"))
    began = time.monotonic()
    site.resync()
    assert cell(grid).state == "Progressing"
    assert str(cell(grid).sentence) == "0 of 1 updated pods are available"
    settles(site, grid, "Ready")
    assert time.monotonic() - began > 2


def test_a_stateful_set_that_stands_still_without_a_known_cause_is_degraded(site, monkeypatch):
    """Its pod runs and is not ready, and nothing says why: StatefulSets have no deadline of their own."""
    template = {**a_template("img:1", 1), "serviceName": "s-svc"}
    pod = template["template"]
    pod["metadata"] = {**pod["metadata"], "annotations": {"test.sgportal.example/unready": "true"}}
    pod["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["false"]}}
    grid = site.save({**a_grid("still", template=template), "kind": "StatefulSetGrid"})
    site.until(lambda: site.get("still-a", "StatefulSet").get("status", {}).get("replicas"))
    site.resync()
    assert (cell(grid).state, cell(grid).reason) == ("Progressing", "RollingOut")
    monkeypatch.setattr(trouble, "DEADLINE_SECONDS", 2)
    found = settles(site, grid, "Degraded", "ProgressDeadlineExceeded")
    assert str(found.sentence).endswith("0 of 1 pods are ready")


@contextlib.contextmanager
def limited(world: World, **hard: str):
    """A quota that counts, for a while."""

    def ask(method: str, name: str = "", body: dict | None = None) -> dict:
        return world.cluster._transport.call(method, f"{QUOTAS}{name}", body=body)[1]

    ask("POST", body=quota(**hard))
    try:
        world.until(lambda: ask("GET", "/few").get("status", {}).get("hard"))
        yield
    finally:
        ask("DELETE", "/few")


@pytest.mark.parametrize("manifest", [a_set("full", 1), a_grid("full", template=a_template("img:1", 1))])
def test_a_quota_keeps_pods_from_being_created_and_is_told(site, manifest):
    with limited(site, pods="0"):
        grid = site.save(manifest, ask=False)
        found = settles(site, grid, "Degraded", "FailedCreate")
        assert "exceeded quota: few" in str(found.sentence)
    settles(site, grid, "Ready", "AllReady", seconds=150)  # its controller tries ever more seldom


def container(**fields):
    """An edit of the template's container."""
    return lambda manifest: manifest["spec"]["template"]["template"]["spec"]["containers"][0].update(fields)


@pytest.mark.embedded_only
def test_new_pods_that_end_again_and_again_are_told_while_the_old_one_serves(site):
    grid = site.save(a_grid("loop", template=a_template("img:1", 1)))
    settles(site, grid, "Ready")
    site.change(grid, container(command=["sh", "-c", "echo no; exit 3"]))
    found = settles(site, grid, "Degraded", "CrashLoopBackOff")
    assert "back-off 10s restarting failed container" in str(found.sentence)
    assert conditions(grid)["Ready"]["status"] == "False"
    site.change(grid, container(command=["sleep", "infinity"]))
    settles(site, grid, "Ready", "AllReady")


def test_a_pod_that_asks_for_more_than_any_node_has_is_told(site):
    grid = site.save(a_grid("huge", template=a_template("img:1", 1)))
    settles(site, grid, "Ready")
    site.change(grid, container(resources={"requests": {"cpu": "1k"}}))
    found = settles(site, grid, "Degraded", "Unschedulable")
    assert "Insufficient cpu" in str(found.sentence)


def test_a_pod_on_a_node_that_moved_to_another_unit_is_one_status_at_every_door(site):
    site.label("node1", zone="a")
    grid = site.save(a_grid("moved", template=a_template("img:1", 2)))
    settles(site, grid, "Ready")
    site.look()
    there = Pod.objects.filter(child="moved-a").values_list("node", flat=True)
    node = sorted(set(there))[-1]
    other = "node0" if node == "node1" else "node1"
    site.label(node, zone="b")
    found = settles(site, grid, "Degraded", "Misplaced")
    assert other != node
    assert conditions(grid)["Ready"]["status"] == "False"
    assert next(each for each in grid.status["units"] if each["name"] == "a")["state"] == "Degraded"
    resource = site.cluster.get("DeploymentGrid", NAMESPACE, "moved")
    states = {each["name"]: each["state"] for each in resource["status"]["units"]}
    assert states["a"] == found.state


def test_a_quota_keeps_new_pods_from_being_created_while_old_ones_serve(site):
    """The quota takes one pod, which the old one is: the new ReplicaSet cannot create its own."""
    grid = site.save(a_grid("full", template=a_template("img:1", 1)))
    settles(site, grid, "Ready")
    with limited(site, pods="1"):
        site.change(grid, image("img:2"))
        found = settles(site, grid, "Degraded", "FailedCreate")
        assert "exceeded quota: few" in str(found.sentence)
        assert Pod.objects.filter(child="full-a", ready=True).count() == 1
    settles(site, grid, "Ready", "AllReady", seconds=150)  # its controller tries ever more seldom
