"""A worker is ended by SIGKILL in the middle of a wave, each of its processes while it waits for an answer; another
worker goes on. Every unit is changed once, no more of them at a time than allowed."""

import psycopg
import pytest

from sgportal.core.workloads.rollout import is_rolled_out
from tests.reconciler.sequences.watched import Watched, image_of
from tests.services import wait_for

from ..runtime.workers import World

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]
UNITS = 5
AT_ONCE = 2
SAVE = """
from sgportal.actions import Actor, save_grids
labels = {{"app": "g"}}
pod = {{"metadata": {{"labels": labels}}, "spec": {{"containers": [{{"name": "c", "image": "img:{number}"}}]}}}}
template = {{"replicas": 1, "selector": {{"matchLabels": labels}}, "template": pod}}
rollout = {{"waves": [{{"units": ["site-0003"]}}], "maxUnavailable": %s}}
save_grids([{{"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid",
             "metadata": {{"name": "g", "namespace": "default"}},
             "spec": {{"gridUniqKey": "site", "template": template, "rollout": rollout}}}}],
           Actor("test", "shell"))
""" % (AT_ONCE)  # noqa: UP031 - a template of a template
PHASE = "SELECT phase FROM sgportal_rollout ORDER BY id DESC LIMIT 1"


@pytest.fixture
def world(embedded_cluster, postgres_server, tmp_path):
    made = World(tmp_path, embedded_cluster(f"large:{UNITS}x{UNITS}"), UNITS, postgres_server.url(), "")
    yield made
    made.portal.stop()


def deployments(world):
    found = world.cluster.call(lambda: list(world.cluster.store.each("deployments.apps")))
    return {body["metadata"]["name"]: body for body in found}


def phase(world):
    with psycopg.connect(world.portal.settings["DATABASE_URL"], autocommit=True) as link:
        return link.execute(PHASE).fetchone()[0]


def running(world, image):
    """The Deployments that were given an image, and whether each has it."""
    return {
        name: is_rolled_out("Deployment", body) for name, body in deployments(world).items() if image_of(body) == image
    }


def test_a_worker_killed_in_the_middle_of_a_wave(world):
    watched = Watched("site")
    world.cluster.call(lambda: world.cluster.store.listen(watched))
    world.start("watch", "worker")
    world.portal.python(SAVE.format(number=1))
    wait_for(lambda: sum(running(world, "img:1").values()) == UNITS, 75, "the first image runs everywhere")
    uids = {name: body["metadata"]["uid"] for name, body in deployments(world).items()}
    watched.latest = "img:2"
    world.hold(after=1 + AT_ONCE)  # the save's own dry run, and so many units
    world.portal.python(SAVE.format(number=2))
    wait_for(world.is_holding, 75, "the second wave has begun")
    world.portal.kill("worker")
    world.cluster.faults.clear()
    world.start("worker2")
    wait_for(lambda: sum(running(world, "img:2").values()) == UNITS, 150, "the second image runs everywhere")
    wait_for(lambda: phase(world) == "Complete", 75, "the rollout is complete", pause=0.5)
    assert watched.most_changing <= AT_ONCE
    assert {count for (_, image), count in watched.given.items() if image == "img:2"} == {1}
    assert {
        name: (body["metadata"]["uid"], body["metadata"]["generation"]) for name, body in deployments(world).items()
    } == {name: (uid, 2) for name, uid in uids.items()}
    assert not watched.below
