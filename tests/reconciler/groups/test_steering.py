"""The rollout of a ServiceGroup steered as one, by the portal and by the annotation, on a cluster."""

from sgportal.actions import restore_package, steer_package
from sgportal.models import Grid, PackageRevision, Rollout, ServiceGroup

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
