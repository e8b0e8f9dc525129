"""A ServiceGroup as an object of the cluster: one package over kubectl, REST and page."""

import copy
from typing import Any

import pytest
from django.utils import timezone

from sgportal.actions import save_group
from sgportal.cluster import MERGE_PATCH, Refused
from sgportal.core.names import MEMBERS_FINALIZER
from sgportal.models import Grid, RolloutUnit, ServiceGroup
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.groups import resource

from ..world import ADA, World, a_template

KIND = "ServiceGroup"
PAUSED = "sgportal.superedge.io/paused"


@pytest.fixture
def world(world: World) -> World:
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    return world


def a_member(name: str, image: str = "img:1", **spec: Any) -> dict[str, Any]:
    template = a_template(image, app=name)
    return {"kind": "DeploymentGrid", "metadata": {"name": name}, "spec": {"template": template, **spec}}


def a_package(*members: dict[str, Any], name: str = "shop", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "sgportal.superedge.io/v1",
        "kind": KIND,
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"gridUniqKey": "zone", "grids": list(members), **spec},
    }


def apply(world: World, package: dict[str, Any]) -> dict[str, Any]:
    """As kubectl applies it, seen by the watch."""
    world.cluster.apply(package, force=True)
    return see(world, package["metadata"]["name"])


def see(world: World, name: str = "shop") -> dict[str, Any]:
    resource.observe("default", name, world.cluster.get(KIND, "default", name))
    world.settle()
    return world.cluster.get(KIND, "default", name) or {}


def resync(world: World) -> dict[str, Any]:
    world.resync()
    return see(world)


def condition(body: dict[str, Any], kind: str) -> tuple[str, str]:
    found = next(each for each in body["status"]["conditions"] if each["type"] == kind)
    return found["status"], found["reason"]


def test_a_package_is_deployed_edited_and_deleted_as_one(world: World) -> None:
    body = apply(world, a_package(a_member("db"), a_member("web")))
    assert condition(body, "Accepted") == ("True", "Accepted")
    assert body["metadata"]["finalizers"] == [MEMBERS_FINALIZER]
    assert world.names() == ["db-a", "db-b", "web-a", "web-b"]
    mark = world.get("web", "DeploymentGrid")["metadata"]["annotations"]["sgportal.superedge.io/servicegroup"]
    assert mark == "shop"
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    body = resync(world)
    status = body["status"]
    assert condition(body, "Ready") == ("True", "AllReady")
    assert (status["totalMembers"], status["readyMembers"], status["observedGeneration"]) == (2, 2, 1)
    assert {each["name"]: each["units"] for each in status["members"]} == {"db": 2, "web": 2}

    apply(world, a_package(a_member("web", "img:2"), a_member("door")))
    assert world.names("DeploymentGrid") == ["door", "web"]
    world.cluster.delete(KIND, "default", "shop", uid=body["metadata"]["uid"])
    see(world)
    for _ in range(3):
        world.later(5)
    assert world.names("DeploymentGrid") == []
    assert world.cluster.get(KIND, "default", "shop") is None
    assert not ServiceGroup.objects.exists()
    assert not Grid.objects.exists()


def test_what_is_exported_changes_nothing_when_it_is_applied(world: World) -> None:
    body = apply(world, a_package(a_member("db"), a_member("web"), paused=False))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    body = resync(world)
    group = ServiceGroup.objects.get()
    again = apply(world, group.source())
    assert again == body
    assert again["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]


def test_an_edit_of_a_member_moves_into_the_package(world: World) -> None:
    before = apply(world, a_package(a_member("db"), a_member("web")))
    world.change(Grid.objects.get(name="web"), lambda body: body["spec"]["template"].update(replicas=3))
    body = see(world)
    web, db = body["spec"]["grids"][1], body["spec"]["grids"][0]
    assert web["spec"] == {"template": {**before["spec"]["grids"][1]["spec"]["template"], "replicas": 3}}
    assert db == before["spec"]["grids"][0]
    assert ServiceGroup.objects.get().source()["spec"] == body["spec"]


@pytest.mark.embedded_only
def test_a_copy_of_a_member_under_another_name_is_none_of_the_package(world: World) -> None:
    """Applied with all its annotations, it becomes no member, which the next edit of the package would delete."""
    before = apply(world, a_package(a_member("db"), a_member("web")))
    live = world.get("web", "DeploymentGrid")
    metadata = {"name": "web2", "namespace": "default", "annotations": live["metadata"]["annotations"]}
    spec = {**live["spec"], "template": a_template(app="web2")}
    world.cluster.apply(
        {key: live[key] for key in ("apiVersion", "kind")} | {"metadata": metadata, "spec": spec}, force=True
    )
    refresh.relist("deploymentgrids", world.cluster)
    world.settle()
    assert see(world)["spec"] == before["spec"]
    apply(world, a_package(a_member("db"), a_member("web", "img:2")))
    resync(world)
    assert world.names("DeploymentGrid") == ["db", "web", "web2"]
    assert Grid.objects.get(name="web2").group is None
    assert "sgportal.superedge.io/servicegroup" not in str(world.get("web2", "DeploymentGrid")["metadata"])


def test_a_package_of_the_portal_comes_to_the_cluster(world: World) -> None:
    save_group({**a_package(a_member("web")), "apiVersion": "superedge.io/v1"}, ADA)
    world.settle()
    body = see(world)
    assert body["spec"] == a_package(a_member("web"))["spec"]
    again = apply(world, ServiceGroup.objects.get().source())
    assert again["metadata"]["generation"] == body["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"grids": [a_member("web", nonsense=1)]}, "/spec/grids/0/spec/nonsense"),
        ({"rollout": {"waves": [{"units": ["a"]}], "maxFailures": 1, "onFailure": "pray"}}, "/spec/rollout/onFailure"),
        ({"dependsOn": {"dg/web": ["dg/nobody"]}}, "/spec/dependsOn/dg~1web/0"),
        ({"dependsOn": {"dg/web": ["dg/web"]}}, "/spec/dependsOn"),
        ({"grids": [a_member("web"), a_member("web")]}, "/spec/grids/1/metadata/name"),
    ],
)
def test_what_is_not_valid_changes_nothing_and_says_why(world: World, change: dict[str, Any], where: str) -> None:
    apply(world, a_package(a_member("web")))
    before = Grid.objects.get()
    bad = a_package(a_member("web", "img:2"))
    bad["spec"] |= copy.deepcopy(change)
    if "rollout" in change:  # the API server says so itself
        with pytest.raises(Refused, match=r"spec\.rollout\.onFailure"):
            apply(world, bad)
        return
    body = apply(world, bad)
    assert condition(body, "Accepted") == ("False", "Invalid")
    assert where in next(each["message"] for each in body["status"]["conditions"] if each["type"] == "Accepted")
    assert body["status"]["observedGeneration"] == 2
    after = Grid.objects.get()
    assert (after.spec, after.generation) == (before.spec, before.generation)
    assert see(world)["spec"] == bad["spec"]
    assert condition(apply(world, a_package(a_member("web"))), "Accepted") == ("True", "Accepted")


def test_an_annotation_in_the_cluster_takes_back_no_edit_of_the_portal(world: World) -> None:
    package = a_package(a_member("web"))
    package["metadata"]["annotations"] = {"sgportal.superedge.io/rollout": "approve"}
    apply(world, package)
    edited = a_package(a_member("web", "img:2"), a_member("door"))
    edited["metadata"]["labels"] = {"team": "edge"}
    save_group(edited, ADA)
    world.cluster.patch(KIND, "default", "shop", {"metadata": {"annotations": {"note": "x"}}}, MERGE_PATCH)
    body = see(world)
    assert images(world)["web-a"] == "img:2"
    assert world.names("DeploymentGrid") == ["door", "web"]
    assert [each["metadata"]["name"] for each in body["spec"]["grids"]] == ["web", "door"]
    assert not Grid.objects.exclude(deleting_since=None).exists()


@pytest.mark.parametrize("words", [" ", ",", " , "])
def test_an_annotation_without_words_asks_for_nothing(world: World, words: str) -> None:
    package = a_package(a_member("web"), rollout={"waves": [{"units": ["a"]}]})
    package["metadata"]["annotations"] = {"sgportal.superedge.io/rollout": words}
    assert condition(apply(world, package), "Accepted") == ("True", "Accepted")
    assert world.names() == ["web-a", "web-b"]


def test_a_member_that_goes_is_in_the_package_no_more(world: World) -> None:
    apply(world, a_package(a_member("db"), a_member("web")))
    Grid.objects.filter(name="db").update(deleting_since=timezone.now())
    assert [each["metadata"]["name"] for each in ServiceGroup.objects.get().source()["spec"]["grids"]] == ["web"]


def test_a_strange_grid_is_never_taken_over(world: World) -> None:
    strange = {**a_member("web"), "apiVersion": "superedge.io/v1"}
    strange["metadata"]["namespace"] = "default"
    strange["spec"]["gridUniqKey"] = "zone"
    before = world.cluster.apply(strange).body
    body = apply(world, a_package(a_member("db"), a_member("web", "img:2")))
    assert condition(body, "Accepted") == ("False", "NameConflict")
    assert world.get("web", "DeploymentGrid")["spec"] == before["spec"]
    assert world.names("DeploymentGrid") == ["web"]


def test_a_pause_of_the_package_is_one_of_every_member(world: World) -> None:
    apply(world, a_package(a_member("db"), a_member("web")))
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2"), paused=True))
    assert set(images(world).values()) == {"img:1"}
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2")))
    assert set(images(world).values()) == {"img:2"}
    assert PAUSED not in (world.get("web", "DeploymentGrid")["metadata"].get("annotations") or {})


def images(world: World) -> dict[str, str]:
    return {name: world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"] for name in world.names()}


def test_a_member_waits_in_each_unit_for_those_that_it_depends_on(world: World) -> None:
    def package(image: str) -> dict[str, Any]:
        members = (a_member("web", image), a_member("db", image))
        return a_package(*members, dependsOn={"deploymentgrid/web": ["dg/db"]})

    world.server.set_node_ready("node1", False)
    world.look()
    apply(world, package("img:1"))
    world.until_ready("db-a")
    resync(world)
    assert world.names() == ["db-a", "db-b", "web-a"]
    cell = Grid.objects.get(name="web").units.get(name="b")
    assert (cell.state, cell.reason) == ("Progressing", "WaitingForMember")
    assert "deploymentgrids/db" in str(cell.sentence)
    world.server.set_node_ready("node1", True)
    world.look()
    world.until_ready("db-b")
    see(world)
    world.until_ready("web-a", "web-b")
    assert condition(resync(world), "Ready") == ("True", "AllReady")

    world.server.set_node_ready("node1", False)
    world.look()
    apply(world, package("img:2"))
    world.until_ready("db-a")
    resync(world)
    assert images(world) == {"db-a": "img:2", "db-b": "img:2", "web-a": "img:2", "web-b": "img:1"}
    world.server.set_node_ready("node1", True)
    world.look()
    world.until_ready("db-b")
    see(world)
    world.resync()
    assert images(world)["web-b"] == "img:2"


def test_many_members_do_not_go_without_a_person(world: World) -> None:
    body = apply(world, a_package(*(a_member(f"m{n}") for n in range(5))))
    world.cluster.delete(KIND, "default", "shop", uid=body["metadata"]["uid"])
    body = see(world)
    assert condition(body, "Deleting") == ("False", "DeletionsHeld")
    assert len(world.names("DeploymentGrid")) == 5
    confirmed = {"metadata": {"annotations": {"sgportal.superedge.io/confirm-deletion": "true"}}}
    world.edit("shop", confirmed, KIND)
    see(world)
    for _ in range(3):
        world.later(5)
    assert world.names("DeploymentGrid") == []
    assert world.cluster.get(KIND, "default", "shop") is None


WAVES = {"waves": [{"name": "canary", "units": ["b"]}], "onFailure": "rollBack"}
BROKEN = "fail.example/img:2"


def rollouts(world: World) -> dict[str, tuple[str, str, int]]:
    resync(world)
    found = {grid.name: grid.rollout for grid in Grid.objects.all()}
    return {name: (told["phase"], told["reason"], len(told["turns"])) for name, told in found.items()}


def at(world: World, **phases: str) -> bool:
    found = rollouts(world)
    return all(wanted in found[name][:2] for name, wanted in phases.items())


def test_waves_cover_all_members_and_go_back_as_one(world: World) -> None:
    apply(world, a_package(a_member("db"), a_member("web"), rollout=WAVES))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    assert at(world, db="Complete", web="Complete")
    apply(world, a_package(a_member("db", BROKEN), a_member("web", "img:2"), rollout=WAVES))
    world.until(lambda: at(world, web="AwaitingMembers", db="RollingOut"))
    assert images(world) == {"db-a": "img:1", "db-b": BROKEN, "web-a": "img:1", "web-b": "img:2"}
    RolloutUnit.objects.filter(turn="given").update(since=0)
    world.until(lambda: at(world, web="RolledBack", db="RolledBack"))
    assert set(images(world).values()) == {"img:1"}
    body = resync(world)
    assert condition(body, "RolledOut") == ("False", "RolloutTooManyFailures")
    assert condition(body, "Accepted") == ("True", "Accepted")

    apply(world, a_package(a_member("db", "img:3"), a_member("web", "img:3"), rollout=WAVES))
    world.until(lambda: at(world, web="Complete", db="Complete"))
    assert set(images(world).values()) == {"img:3"}


def test_the_rollout_of_a_package_is_steered_as_one(world: World) -> None:
    waves = {"waves": [{"name": "canary", "units": ["b"], "approval": True}]}
    apply(world, a_package(a_member("db"), a_member("web"), rollout=waves))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    resync(world)
    changed = a_package(a_member("db", "img:2"), a_member("web", "img:2"), rollout=waves)
    apply(world, changed)
    world.until(lambda: at(world, web="AwaitingApproval", db="AwaitingApproval"))

    def ask(words: str) -> None:
        world.edit("shop", {"metadata": {"annotations": {"sgportal.superedge.io/rollout": words}}}, KIND)
        see(world)

    ask("rollback because of the checkout")
    world.until(lambda: at(world, web="RolledBack", db="RolledBack"))
    assert set(images(world).values()) == {"img:1"}
    ask("start")
    world.until(lambda: at(world, web="AwaitingApproval", db="AwaitingApproval"))
    ask("approve")
    world.until(lambda: at(world, web="Complete", db="Complete"))
    assert set(images(world).values()) == {"img:2"}
    ask("approve nonsense")
    assert at(world, web="Complete", db="Complete")
    ask("pray")
    assert condition(see(world), "Accepted") == ("False", "Invalid")
