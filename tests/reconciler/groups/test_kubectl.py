"""A package over kubectl itself, as people and GitOps have it: apply, steer, export, delete."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sgportal.models import Grid, Rollout, ServiceGroup
from tests.kube import binaries

from ..watching import a_watch
from ..world import World
from .test_packages import a_member, a_package, at, condition, images, resync, see, world

__all__ = ["world"]
# test_packages and test_steering tell the same to a real control plane.
pytestmark = [pytest.mark.embedded_only, pytest.mark.kubectl]

ON_DB = {"dg/web": ["dg/db"]}
WAVES = {"waves": [{"name": "canary", "units": ["b"], "approval": True}]}
STEER = "sgportal.superedge.io/rollout"


class Kubectl:
    """kubectl on a world's cluster; what it does is seen at once."""

    def __init__(self, world: World, cache: Path) -> None:
        self.world = world
        program = str(binaries.find("kubectl") or "kubectl")
        self.command = [program, f"--kubeconfig={world.server.kubeconfig_path}", f"--cache-dir={cache}"]

    def __call__(self, *words: str, text: Any = None) -> str:
        said = self.run(*words, text=text)
        see(self.world)
        return said

    def run(self, *words: str, text: Any = None) -> str:
        """The same, where the watch sees it."""
        given = json.dumps(text) if isinstance(text, dict) else text
        done = subprocess.run([*self.command, *words], input=given, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def kubectl(world: World, tmp_path: Path) -> Kubectl:
    return Kubectl(world, tmp_path)


def shop(image: str, **spec: Any) -> dict[str, Any]:
    return a_package(a_member("db", image), a_member("web", image), dependsOn=ON_DB, rollout=WAVES, **spec)


def ready(world: World) -> None:
    for member in ("db", "web"):
        world.until_ready(f"{member}-a", f"{member}-b")
        resync(world)


def test_a_package_is_applied_rolled_out_rolled_back_and_deleted_with_kubectl(world: World, kubectl: Kubectl) -> None:
    assert "created" in kubectl("apply", "-f", "-", text=shop("img:1"))
    ready(world)
    assert "img:1" in kubectl("get", "deployment", "web-b", "-o", "yaml")
    kubectl("apply", "-f", "-", text=shop("img:2"))
    world.until(lambda: at(world, db="AwaitingApproval", web="AwaitingApproval"))
    assert images(world) == {"db-a": "img:1", "db-b": "img:2", "web-a": "img:1", "web-b": "img:2"}
    kubectl("annotate", "svcgroup", "shop", f"{STEER}=rollback because of the checkout")
    world.until(lambda: at(world, db="RolledBack", web="RolledBack"))
    assert set(images(world).values()) == {"img:1"}

    kubectl("apply", "-f", "-", text=shop("img:3", paused=True))
    resync(world)
    assert set(images(world).values()) == {"img:1"}
    kubectl("apply", "-f", "-", text=shop("img:3", paused=False))
    world.until(lambda: at(world, db="AwaitingApproval", web="AwaitingApproval"))
    kubectl("annotate", "--overwrite", "svcgroup", "shop", f"{STEER}=approve")
    world.until(lambda: at(world, db="Complete", web="Complete"))
    assert set(images(world).values()) == {"img:3"}

    kubectl("delete", "svcgroup", "shop", "--wait=false")
    world.until(lambda: world.later(5) or not ServiceGroup.objects.exists())
    world.until(lambda: kubectl("get", "svcgroup,deploymentgrids,deployments") == "")
    assert not Grid.objects.exists()


def test_what_kubectl_exports_is_applied_unchanged(world: World, kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", text=shop("img:1"))
    ready(world)
    before = resync(world)
    assert condition(before, "Ready") == ("True", "AllReady")
    rollouts = Rollout.objects.count()
    exported = kubectl("get", "svcgroup", "shop", "-o", "json")
    kubectl("apply", "-f", "-", text=exported)
    after = resync(world)
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], before["metadata"]["generation"])
    assert set(Grid.objects.values_list("generation", flat=True)) == {1}
    assert Rollout.objects.count() == rollouts


def test_members_stay_where_kubectl_deletes_the_package_alone(world: World, kubectl: Kubectl) -> None:
    """The garbage collector takes the finalizer that says so away before anybody looks."""
    kubectl("apply", "-f", "-", text=shop("img:1"))
    ready(world)
    with a_watch(world.cluster):
        kubectl.run("delete", "svcgroup", "shop", "--cascade=orphan", "--wait=false")
        world.until(lambda: "orphan" not in world.get("shop", "ServiceGroup")["metadata"]["finalizers"])
        world.until(lambda: ServiceGroup.objects.filter(orphaning=True).exists())
    world.until(lambda: world.later(5) or not ServiceGroup.objects.exists())
    resync(world)
    assert world.names("DeploymentGrid") == ["db", "web"]
    assert set(images(world).values()) == {"img:1"}
