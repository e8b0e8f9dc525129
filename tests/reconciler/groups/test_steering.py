"""The rollout of a ServiceGroup steered as one, by the portal and by the annotation, on a cluster."""

from typing import Any

import pytest

from sgportal.actions import restore_package, steer_package
from sgportal.models import Grid, GridEvent, PackageRevision, Rollout, ServiceGroup, WorkKey
from sgportal.reconciler.grids.resource import sync
from sgportal.reconciler.groups import restore, rollout

from ..world import ADA, World
from .test_packages import KIND, a_member, a_package, apply, see

WAVES = {"waves": [{"name": "canary", "units": ["a"], "approval": True}]}


def images(world: World) -> dict[str, str]:
    return {
        name: world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"]
        for name in ("db-a", "db-b", "web-a", "web-b")
    }


def under_way(world: World) -> ServiceGroup:
    """A package whose canary has the new image and waits for approval."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    apply(world, a_package(a_member("db"), a_member("web"), rollout=WAVES))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2"), rollout=WAVES))
    world.until_ready("db-a", "web-a")
    for _ in range(3):
        world.later(5)
    assert set(Rollout.objects.filter(phase="Progressing").values_list("reason", flat=True)) == {"AwaitingApproval"}
    return ServiceGroup.objects.get()


def test_one_approval_lets_every_member_go_on_and_one_roll_back_takes_all_back(world: World) -> None:
    group = under_way(world)
    before = {"db-a": "img:2", "db-b": "img:1", "web-a": "img:2", "web-b": "img:1"}
    assert images(world) == before
    plans = steer_package(group, "rollback", ADA, dry_run=True)
    assert {path: [step.unit for step in plan.steps] for path, plan in plans.items()} == {
        "deploymentgrids/default/db": ["a"],
        "deploymentgrids/default/web": ["a"],
    }
    steer_package(group, "approve", ADA)
    for _ in range(4):
        world.later(5)
        world.until_ready("db-b", "web-b")
    assert set(images(world).values()) == {"img:2"}


def test_a_unit_that_one_member_has_is_left_out_there_and_skips_no_wave_of_the_others(world: World) -> None:
    under_way(world)
    only = {"include": {"units": ["a"]}}
    world.change(Grid.objects.get(name="web"), lambda body: body["spec"].update(placement=only))
    see(world)
    Rollout.objects.filter(grid__name="web").latest("pk").units.filter(name="b").delete()
    world.edit("shop", {"metadata": {"annotations": {"sgportal.superedge.io/rollout": "skip b"}}}, KIND)
    see(world)
    assert Rollout.objects.filter(grid__name="db").latest("pk").units.get(name="b").turn == "skipped"
    web = Rollout.objects.filter(grid__name="web").latest("pk")
    assert (web.wave, web.units.filter(turn="skipped").count()) == (0, 0)


def test_versions_are_kept_whoever_makes_them_and_all_members_go_back_to_one(world: World) -> None:
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    apply(world, a_package(a_member("db"), a_member("web")))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    world.change(Grid.objects.get(name="web"), lambda body: body["spec"]["template"].update(replicas=2))
    see(world)
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2")))
    see(world)
    kept = [(each.number, each.author, list(each.members.values())) for each in PackageRevision.objects.all()]
    assert kept == [(3, "cluster", [2, 3]), (2, "ada", [1, 2]), (1, "cluster", [1, 1])]
    restore_package("default", "shop", 2, ADA)
    see(world)
    assert set(images(world).values()) == {"img:1"}
    assert {world.get(name)["spec"]["replicas"] for name in ("web-a", "web-b")} == {2}
    assert world.cluster.get(KIND, "default", "shop")["spec"] == PackageRevision.objects.get(number=2).spec
    assert [each.author for each in PackageRevision.objects.all()] == ["ada", "cluster", "ada", "cluster"]


def ask(world: World, **annotations: str) -> None:
    """As `kubectl annotate --overwrite svcgroup shop` does."""
    named = {f"sgportal.superedge.io/{name}": text for name, text in annotations.items()}
    world.edit("shop", {"metadata": {"annotations": named}}, KIND)
    see(world)


def events(world: World, reason: str) -> list[tuple[str, str]]:
    found = [each for each in world.cluster.list("Event").items if each["reason"] == reason]
    return [(each["involvedObject"]["kind"], each["message"]) for each in found]


def in_both(world: World) -> None:
    """A package that was at img:1 and is at img:2."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    apply(world, a_package(a_member("db"), a_member("web")))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2")))


def test_all_members_go_back_to_a_revision_by_the_annotation_once(world: World) -> None:
    in_both(world)
    ask(world, operation="restore 1")
    assert set(images(world).values()) == {"img:1"}
    assert world.cluster.get(KIND, "default", "shop")["spec"] == PackageRevision.objects.get(number=1).spec
    assert len(events(world, "OperationDone")) == 1
    apply(world, a_package(a_member("db", "img:3"), a_member("web", "img:3")))
    world.resync()
    see(world)
    assert set(images(world).values()) == {"img:3"}
    ask(world, operation="restore 1 #2")
    assert set(images(world).values()) == {"img:1"}


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("text", "cure"),
    [("restore 9", "the latest is 2"), ("pin 1 a", "ask “pin 1 a” of one of its members")],
)
def test_what_a_package_cannot_be_asked_is_told_and_changes_nothing(world: World, text: str, cure: str) -> None:
    in_both(world)
    before = ServiceGroup.objects.get()
    ask(world, operation=text)
    [(kind, message)] = events(world, "OperationIgnored")
    assert (kind, cure in message) == (KIND, True)
    world.resync()
    after = ServiceGroup.objects.get()
    assert (after.spec, after.operation) == (before.spec, text)
    assert set(images(world).values()) == {"img:2"}


class Killed(BaseException):
    """The process died here."""


def once_more(world: World) -> None:
    ask(world, operation="restore 1")
    world.resync()


@pytest.mark.embedded_only
def test_a_kill_before_or_after_the_members_are_written_restores_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_both(world)
    whole = restore.take_in

    def killed(*arguments: Any) -> None:
        if after:
            whole(*arguments)
        raise Killed

    monkeypatch.setattr(restore, "take_in", killed)
    for after in (False, True):
        world.until(lambda: not WorkKey.objects.exclude(holder="").exists())
        with pytest.raises(Killed):
            once_more(world)
        assert ServiceGroup.objects.get().operation == ("restore 1" if after else "")
    monkeypatch.setattr(restore, "take_in", whole)
    world.until(lambda: not WorkKey.objects.exclude(holder="").exists())
    world.resync()
    see(world)
    assert set(images(world).values()) == {"img:1"}
    assert list(PackageRevision.objects.values_list("number", flat=True)) == [3, 2, 1]


@pytest.mark.embedded_only
@pytest.mark.parametrize("door", ["kubectl", "portal"])
def test_a_package_that_goes_back_asks_no_member_what_it_was_asked_then(world: World, door: str) -> None:
    in_both(world)
    for image in ("img:4", "img:5"):
        asked = {"metadata": {"annotations": {"sgportal.superedge.io/operation": f"image {image}"}}}
        world.edit("web", asked, "DeploymentGrid")
        sync.observe("DeploymentGrid", "default", "web", world.get("web", "DeploymentGrid"))
        world.settle()
        see(world)
    assert images(world)["web-a"] == "img:5"
    at_four = PackageRevision.objects.filter(number__gt=2)
    number = max(each.number for each in at_four if "image img:4" in str(each.spec) and "img:5" not in str(each.spec))
    apply(world, a_package(a_member("db", "img:6"), a_member("web", "img:6")))
    if door == "kubectl":
        ask(world, operation=f"restore {number}")
    else:
        restore_package("default", "shop", number, ADA)
        see(world)
    done = GridEvent.objects.filter(path="deploymentgrids/default/web", reason="OperationDone")
    assert sum(each.count for each in done) == 2
    web = Grid.objects.get(name="web")
    assert images(world)["web-a"] == web.spec["template"]["template"]["spec"]["containers"][0]["image"] == "img:4"


@pytest.mark.embedded_only
def test_what_a_restored_backup_finds_asks_nothing_of_a_rollout(world: World) -> None:
    """Whoever asked it did so after the backup, and it was done then."""
    under_way(world)
    ServiceGroup.objects.update(operation=None)
    ask(world, rollout="approve")
    assert set(Rollout.objects.filter(phase="Progressing").values_list("approved", flat=True)) == {0}
    group = ServiceGroup.objects.get()
    assert (group.operation, group.command) == ("", "approve")
    ask(world, rollout="approve 2")
    assert set(Rollout.objects.filter(target__gt=1).values_list("approved", flat=True)) == {1}


@pytest.mark.embedded_only
def test_what_the_first_version_of_a_package_says_asks_nothing_of_a_rollout(world: World) -> None:
    """As where the portal's database is lost, and the package is found in the cluster."""
    made = a_package(a_member("db"), a_member("web"), rollout=WAVES)
    made["metadata"]["annotations"] = {"sgportal.superedge.io/rollout": "pause"}
    world.label("node0", zone="a")
    apply(world, made)
    assert ServiceGroup.objects.get().command == "pause"
    assert not GridEvent.objects.filter(reason="RolloutCommandIgnored").exists()


@pytest.mark.embedded_only
def test_of_two_workers_one_does_what_is_asked_of_a_rollout(world: World) -> None:
    """The other has read the package before."""
    under_way(world)
    stale = [ServiceGroup.objects.get(), ServiceGroup.objects.get()]
    body = world.cluster.get(KIND, "default", "shop")
    assert body is not None
    body["metadata"]["annotations"] = {"sgportal.superedge.io/rollout": "skip"}
    for group in stale:
        rollout.obey(group, body)
    assert set(Rollout.objects.filter(target__gt=1).values_list("wave", flat=True)) == {1}
    assert not GridEvent.objects.filter(reason="RolloutCommandIgnored").exists()
