"""One identity per child: whoever comes second to a name changes nothing, and says whose it is."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from sgportal.actions import delete_grid
from sgportal.cluster import DEFINITIONS, JSON_PATCH, Conflict, Unreachable
from sgportal.core.grids.grid import parse
from sgportal.core.names import GRID_SELECTOR, OWNER_UID
from sgportal.core.ownership.identity import Owner
from sgportal.core.plans.plan import World as Seen
from sgportal.core.plans.plan import plan
from sgportal.models import Grid, GridEvent, GridUnit
from sgportal.reconciler.grids.writes.apply import apply_steps

from ..world import ADA, a_grid, a_template

ROUNDS = 1000


def units(grid):
    return {row.name: (row.reason, str(row.sentence)) for row in GridUnit.objects.filter(grid=grid)}


@pytest.mark.parametrize("order", [1, -1])
def test_two_grids_of_one_apply_that_want_one_name(world, order):
    """Grid `web` in unit `a-b` and grid `web-a` in unit `b` both want `web-a-b`."""
    world.label("node0", rowk="a-b", colk="b")
    grids = [
        a_grid("web", key="rowk", template=a_template("web:1", app="web")),
        a_grid("web-a", key="colk", template=a_template("web:2", app="web-a")),
    ]
    world.save(*grids[::order])
    first = world.get("web-a-b")
    world.resync()
    after = world.get("web-a-b")
    assert (after["metadata"]["uid"], after["metadata"]["ownerReferences"], after["spec"]) == (
        first["metadata"]["uid"],
        first["metadata"]["ownerReferences"],
        first["spec"],
    )
    (owner,) = after["metadata"]["ownerReferences"]
    winner, loser = (Grid.objects.get(name=name) for name in ("web", "web-a")[:: 1 if owner["name"] == "web" else -1])
    assert after["metadata"]["labels"][GRID_SELECTOR] == winner.name
    assert after["spec"]["selector"]["matchLabels"]["appGrid"] == winner.name
    ((reason, sentence),) = units(loser).values()
    assert reason == "NameConflict"
    assert f"belongs to DeploymentGrid {winner.name}" in sentence
    assert all(reason != "NameConflict" for reason, _ in units(winner).values())
    assert GridEvent.objects.filter(path=loser.path, reason="NameConflict").count() == 1
    delete_grid(winner, ADA)
    world.until(lambda: world.settle() or world.cluster.get("Deployment", "default", "web-a-b") is None)
    world.later(600)
    world.resync()
    assert world.get("web-a-b")["metadata"]["ownerReferences"][0]["name"] == loser.name


class Contender:
    """A portal with a grid of its own, by steps of its own plan; it knows of nobody else. `held` says whether the
    cluster holds the grid."""

    def __init__(self, world, name, key, image, units, live=(), app="", held=True):
        manifest = a_grid(name, key=key, template=a_template(image, replicas=0, app=app or image.partition(":")[0]))
        self.uid = world.cluster.create(manifest)["metadata"]["uid"] if held else image
        self.image, self.cluster = image, world.cluster
        self.steps = plan(parse(manifest), Seen(units, live, Owner(self.uid, held), 0.0)).steps

    def run(self):
        """Carry out every step; what a busy machine did not answer is tried again."""
        found, left = {}, self.steps
        while left:
            some = left[:50]  # all contenders share the threads: a thousand steps at once would be carried out first
            outcomes = apply_steps(some, self.cluster, threading.Event())
            found |= {
                each.step.name: each for each in outcomes if not (each.skipped or isinstance(each.error, Unreachable))
            }
            left = [step for step in left if step.name not in found]
        return found


def map_parallel(*functions):
    """Start all at one moment; what each gives."""
    start = threading.Barrier(len(functions))

    def run(function):
        start.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def by_kubectl(cluster, names):
    """Somebody creates the same by hand; the names they got."""
    got = set()
    for name in names:
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"}}
        try:
            cluster.create({**body, "spec": a_template("hand:1", replicas=0, app="same")})
        except Conflict:
            continue
        got.add(name)
    return got


def test_a_thousand_races_for_a_name_have_one_winner_each(world):
    """Three who create: a grid `web` in units `a-<n>`, a grid `web-a` of another portal in units `<n>`, and kubectl."""
    web = Contender(world, "web", "rowk", "web:1", [f"a-{n:04}" for n in range(ROUNDS)], app="same")
    other = Contender(world, "web-a", "colk", "other:1", [f"{n:04}" for n in range(ROUNDS)], app="same")
    other.steps = other.steps[::-1]
    names = [step.name for step in web.steps]
    assert set(names) == {step.name for step in other.steps}
    order = names[1::2] + names[::2]
    mine, theirs, by_hand = map_parallel(web.run, other.run, lambda: by_kubectl(world.cluster, order))
    assert [each.error for each in (*mine.values(), *theirs.values()) if each.error] == []
    live = {each["metadata"]["name"]: each for each in world.cluster.list("Deployment", "default").items}
    winners = Counter()
    uids = {web.uid: "web:1", other.uid: "other:1", "": "hand:1"}
    for name in names:
        body = live[name]
        uid = "".join(each["uid"] for each in body["metadata"].get("ownerReferences", ()))
        winners[uid] += 1
        assert body["metadata"]["generation"] == 1  # nobody else wrote to it
        assert body["spec"]["template"]["spec"]["containers"][0]["image"] == uids[uid]
        assert (name in by_hand) == (not uid)
        for contender, outcome in ((web, mine[name]), (other, theirs[name])):
            assert outcome.done == (uid == contender.uid)
            assert outcome.done or outcome.taken.reason == "NameConflict"
    assert sum(winners.values()) == ROUNDS
    assert len(winners) == 3, winners


def test_a_thousand_races_for_an_orphan_have_one_winner_each(world):
    """Two portals whose grids of one name both adopt what an earlier grid of that name left: an update has to be of the
    very object that was decided about."""
    units = [f"u{n:04}" for n in range(ROUNDS)]
    left = Contender(world, "web", "zone", "old:1", units, app="orphan", held=False)
    for step in left.steps:
        del step.body["metadata"]["annotations"]
    left.run()
    live = world.cluster.list("Deployment", "default").items
    one, two = (Contender(world, "web", "zone", f"{n}:1", units, live, "orphan", False) for n in ("one", "two"))
    assert {step.verb for step in (*one.steps, *two.steps)} == {"adopt"}
    two.steps = two.steps[::-1]
    mine, theirs = map_parallel(one.run, two.run)
    winners = Counter()
    for each in world.cluster.list("Deployment", "default").items:
        uid = each["metadata"]["annotations"][OWNER_UID]
        winners[uid] += 1
        assert each["spec"]["template"]["spec"]["containers"][0]["image"] == uid
        won, lost = (mine, theirs) if uid == one.uid else (theirs, mine)
        assert won[each["metadata"]["name"]].done
        assert isinstance(lost[each["metadata"]["name"]].error, Conflict)
    assert sum(winners.values()) == ROUNDS
    assert len(winners) == 2, winners


def test_an_update_of_what_was_deleted_and_made_anew_by_another_changes_nothing(world):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template(replicas=0)))
    spec = parse(a_grid(template=a_template("img:2", replicas=0)))
    (step,) = plan(spec, Seen(["a"], [world.get("g-a")], Owner(grid.cluster_uid, True), 0.0)).steps
    world.cluster.delete("Deployment", "default", "g-a")
    world.until(lambda: world.cluster.get("Deployment", "default", "g-a") is None)
    assert by_kubectl(world.cluster, ["g-a"]) == {"g-a"}
    before = world.get("g-a")
    (outcome,) = apply_steps([step], world.cluster, threading.Event())
    assert isinstance(outcome.error, Conflict)
    after = world.get("g-a")
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])


def test_an_update_is_tried_again_while_only_the_status_of_its_object_changes(world):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template(replicas=0)))
    spec = parse(a_grid(template=a_template("img:2", replicas=0)))
    (step,) = plan(spec, Seen(["a"], [world.get("g-a")], Owner(grid.cluster_uid, True), 0.0)).steps
    note = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}}
    world.edit("g-a", note, by="kube-controller-manager")
    (outcome,) = apply_steps([step], world.cluster, threading.Event())
    assert outcome.done
    assert world.get("g-a")["spec"]["template"]["spec"]["containers"][0]["image"] == "img:2"


def test_an_update_of_what_got_another_owner_meanwhile_changes_nothing(world):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template(replicas=0)))
    spec = parse(a_grid(template=a_template("img:2", replicas=0)))
    (step,) = plan(spec, Seen(["a"], [world.get("g-a")], Owner(grid.cluster_uid, True), 0.0)).steps
    other = {"apiVersion": "v1", "kind": "Namespace", "name": "default", "controller": True}
    other["uid"] = world.get("default", "Namespace", "")["metadata"]["uid"]
    patch = [{"op": "replace", "path": "/metadata/ownerReferences", "value": [other]}]
    world.edit("g-a", patch, content_type=JSON_PATCH)
    (outcome,) = apply_steps([step], world.cluster, threading.Event())
    assert isinstance(outcome.error, Conflict)
    live = world.get("g-a")
    assert live["metadata"]["ownerReferences"][0]["uid"] == other["uid"]
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "img:1"


def test_a_create_whose_answer_was_lost_is_no_conflict(world):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template()))
    steps = plan(parse(a_grid(template=a_template())), Seen(["a"], [], Owner(grid.cluster_uid, True), 0.0)).steps
    world.until_ready("g-a")  # its status changes no more
    before = world.get("g-a")
    (outcome,) = apply_steps(steps, world.cluster, threading.Event())
    assert (outcome.done, outcome.changed, outcome.live) == (True, False, before)


def test_two_portals_that_make_a_grid_of_one_name_have_one(world, monkeypatch):
    """Another portal's custom resource comes between our look for one and our making it: ours stays among the
    revisions, and its is followed."""
    world.label("node0", zone="a")
    theirs = a_grid(template=a_template("theirs:1"))
    made = []

    def create(cluster, body):
        if body["kind"] == "DeploymentGrid" and not made:
            made.append(cluster.create(theirs))
        return apply_new(cluster, body)

    apply_new = type(world.cluster).apply_new
    monkeypatch.setattr(type(world.cluster), "apply_new", create)
    grid = world.save(a_grid(template=a_template("ours:1")))
    resource = world.get("g", "DeploymentGrid")
    assert resource["metadata"]["uid"] == made[0]["metadata"]["uid"]
    assert (resource["spec"], grid.spec) == (theirs["spec"], theirs["spec"])
    assert world.get("g-a")["spec"]["template"]["spec"]["containers"][0]["image"] == "theirs:1"
    assert GridEvent.objects.filter(path=grid.path, reason="EditConflict").exists()
    assert grid.revisions.filter(spec__template__template__spec__containers__0__image="ours:1").exists()


@pytest.fixture
def without_resources(world):
    """A cluster that does not hold grids."""
    for definition in DEFINITIONS:
        world.cluster.delete("CustomResourceDefinition", "", definition["metadata"]["name"])
    world.until(lambda: not world.cluster.serves("DeploymentGrid"))
    world.label("node0", zone="a")
    return world


def test_what_another_portal_made_for_its_grid_of_that_name_is_not_taken(without_resources):
    world = without_resources
    other = Contender(world, "g", "zone", "other:1", ["a"], held=False)
    other.run()
    before = world.get("g-a")
    grid = world.save(a_grid(template=a_template()))
    world.resync()
    assert world.get("g-a")["spec"] == before["spec"]
    assert world.get("g-a")["metadata"]["annotations"][OWNER_UID] == other.uid
    assert units(grid)["a"][0] == "NameConflict"
    assert f"another portal (uid {other.uid})" in units(grid)["a"][1]


def test_what_a_grid_leaves_on_purpose_is_adopted_by_the_next_of_its_name(without_resources):
    world = without_resources
    grid = world.save(a_grid(template=a_template()))
    uid = world.get("g-a")["metadata"]["uid"]
    delete_grid(grid, ADA, propagation="Orphan")
    world.settle()
    world.later(5)
    assert not Grid.objects.exists()
    assert OWNER_UID not in world.get("g-a")["metadata"].get("annotations", {})
    grid = world.save(a_grid(template=a_template()))
    metadata = world.get("g-a")["metadata"]
    assert (metadata["uid"], metadata["annotations"][OWNER_UID]) == (uid, str(grid.uid))
