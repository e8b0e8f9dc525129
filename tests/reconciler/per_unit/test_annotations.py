"""What kubectl asks of a grid once, by an annotation: what REST does by a call of the same name."""

import pytest

from sgportal.actions import save_grids
from sgportal.models import AuditEvent, Grid, GridEvent, GridUnit, WorkKey
from sgportal.reconciler.grids import operations
from sgportal.reconciler.grids.resource import sync

from ..world import ADA, a_grid, a_template

OPERATION = "sgportal.superedge.io/operation"
CLUSTER = "DeploymentGrid"


@pytest.fixture
def two(world):
    """Units a and b, and a grid of the cluster at img:2, which was at img:1 before."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.cluster.apply(a_grid(template=a_template("img:1")))
    see(world)
    world.edit("g", {"spec": a_grid(template=a_template("img:2"))["spec"]}, CLUSTER)
    see(world)
    assert images(world) == {"a": "img:2", "b": "img:2"}
    return world


def see(world):
    sync.observe(CLUSTER, "default", "g", world.get("g", CLUSTER))
    world.settle()


def ask(world, text):
    """As `kubectl annotate --overwrite dg g` does."""
    world.edit("g", {"metadata": {"annotations": {OPERATION: text}}}, CLUSTER, by="kubectl-annotate")
    see(world)


def images(world):
    return {unit: image_of(world.get(f"g-{unit}")["spec"]) for unit in ("a", "b")}


def image_of(spec):
    return spec["template"]["spec"]["containers"][0]["image"]


def told(reason):
    return [row.message for row in GridEvent.objects.filter(reason=reason).order_by("pk")]


def ignored(world):
    return [each for each in world.cluster.list("Event").items if each["reason"] == "OperationIgnored"]


def revision_of(image):
    """The number of the first revision with an image."""
    rows = Grid.objects.get().revisions.order_by("number")
    return next(row.number for row in rows if image_of(row.spec["template"]) == image)


def test_a_grid_is_rolled_back_to_a_revision_in_the_cluster_too(two):
    ask(two, f"restore {revision_of('img:1')}")
    assert images(two) == {"a": "img:1", "b": "img:1"}
    live = two.get("g", CLUSTER)
    assert image_of(live["spec"]["template"]) == "img:1"
    assert live["metadata"]["annotations"][OPERATION].startswith("restore")
    assert len(told("OperationDone")) == 1
    assert AuditEvent.objects.filter(actor="cluster", verb="change").exists()


def test_it_is_done_once_for_each_text_and_again_for_another(two):
    number = revision_of("img:1")
    ask(two, f"restore {number}")
    two.edit("g", {"spec": a_grid(template=a_template("img:3"))["spec"]}, CLUSTER)
    see(two)
    for _ in range(2):
        two.resync()
    assert images(two) == {"a": "img:3", "b": "img:3"}
    ask(two, f"restore {number} #2")
    assert images(two) == {"a": "img:1", "b": "img:1"}


def test_going_back_asks_for_nothing_that_was_asked_then(two):
    """The revision gone back to was made by another annotation, which is not carried out once more."""
    ask(two, "image img:4")
    at_four = Grid.objects.get().generation
    ask(two, "image img:5")
    ask(two, f"restore {at_four}")
    two.resync()
    assert images(two) == {"a": "img:4", "b": "img:4"}
    assert two.get("g", CLUSTER)["metadata"]["annotations"][OPERATION] == f"restore {at_four}"
    assert len(told("OperationDone")) == 3


def test_a_unit_is_pinned_stays_and_follows_again(two):
    ask(two, f"pin {revision_of('img:1')} a")
    assert images(two) == {"a": "img:1", "b": "img:2"}
    ask(two, "unpin a")
    assert images(two) == {"a": "img:2", "b": "img:2"}
    assert list(AuditEvent.objects.filter(verb__in=("pin", "unpin")).order_by("pk").values_list("verb", flat=True)) == [
        "pin",
        "unpin",
    ]


def test_an_image_is_set_everywhere_or_in_some_units(two):
    ask(two, "image c=img:6 b")
    assert images(two) == {"a": "img:2", "b": "img:6"}
    ask(two, "image img:7")
    assert images(two) == {"a": "img:7", "b": "img:6"}
    assert two.get("g", CLUSTER)["spec"]["overrides"] == [{"units": ["b"], "image": "img:6", "container": "c"}]


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("restore 99", "revision 99 is not stored; the latest is 3"),
        ("pin 1 nowhere", "“nowhere” is no NodeUnit of this grid"),
        ("pin 99 a", "revision 99 is not stored; the latest is 3"),
        ("unpin nowhere", "“nowhere” is no NodeUnit of this grid"),
        ("image other=img:9", "no template has a container “other”"),
        ("image img:9 nowhere", "“nowhere” is no NodeUnit of this grid"),
        ("image other=img:9 a", "other"),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(two, text, cure):
    before = Grid.objects.get()
    ask(two, text)
    after = Grid.objects.get()
    assert (after.spec, images(two)) == (before.spec, {"a": "img:2", "b": "img:2"})
    assert not GridUnit.objects.exclude(pinned=None).exists()
    two.until(lambda: (two.later(2), ignored(two))[1])
    [event] = ignored(two)
    assert event["type"] == "Warning"
    assert cure in event["message"]
    two.resync()
    assert len(told("OperationIgnored")) == 1


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("roll-back 1", "must be one of restore, pin, unpin, image"),
        ("restore", "write it as in “restore 3”"),
        ("restore first", "write it as in “restore 3”"),
        ("restore 1 a", "pin 1 hamburg,lyon"),
        ("pin 1", "write it as in “pin 1 hamburg,lyon”"),
        ("unpin", "write it as in “unpin hamburg,lyon”"),
        ("image", "write it as in “image web=shop:2”"),
        ("image =img:9", "write it as in “image web=shop:2”"),
        ("restore ١", "write it as in “restore 3”"),
    ],
)
def test_what_cannot_be_read_is_a_condition_that_names_the_cure(two, text, cure):
    ask(two, text)
    [ready] = [each for each in two.get("g", CLUSTER)["status"]["conditions"] if each["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "InvalidSpec")
    assert cure in ready["message"]
    assert images(two) == {"a": "img:2", "b": "img:2"}
    ask(two, None)
    assert Grid.objects.get().state != "Blocked"


@pytest.mark.embedded_only
def test_what_the_first_version_of_a_grid_says_asks_for_nothing(world):
    world.label("node0", zone="a")
    made = a_grid(template=a_template("img:1"))
    made["metadata"]["annotations"] = {OPERATION: "image img:9"}
    world.cluster.apply(made)
    see(world)
    assert image_of(world.get("g-a")["spec"]) == "img:1"
    assert not GridEvent.objects.filter(reason__startswith="Operation").exists()


@pytest.mark.embedded_only
def test_nothing_is_done_twice_where_it_is_not_known_any_more_what_was(two):
    """As after a backup was put back."""
    Grid.objects.update(operation=None)
    ask(two, "image img:9")
    assert images(two) == {"a": "img:2", "b": "img:2"}
    ask(two, "image img:9 #2")
    assert images(two) == {"a": "img:9", "b": "img:9"}


@pytest.mark.embedded_only
def test_what_is_written_in_the_portal_asks_for_nothing_and_says_so(two):
    """Where a role has a scope, and the policy forbids what a revision says: there are calls, which look at both."""
    two.edit("g", {"spec": a_grid(template=a_template("img:3", hostNetwork=True))["spec"]}, CLUSTER)
    see(two)
    two.edit("g", {"spec": a_grid(template=a_template("img:4", hostNetwork=None))["spec"]}, CLUSTER)
    see(two)
    asked = Grid.objects.get().source()
    asked["metadata"]["annotations"] = {OPERATION: f"restore {revision_of('img:3')}"}
    [saved] = save_grids([asked], ADA)
    assert [each.pointer for each in saved.warnings] == ["/metadata/annotations/sgportal.superedge.io~1operation"]
    two.settle()
    see(two)
    assert images(two) == {"a": "img:4", "b": "img:4"}
    assert two.get("g", CLUSTER)["metadata"]["annotations"][OPERATION].startswith("restore")
    assert not GridEvent.objects.filter(reason__startswith="Operation").exists()
    ask(two, "image img:5")
    asked = Grid.objects.get().source()
    asked["spec"] = a_grid(template=a_template("img:6"))["spec"]
    assert save_grids([asked], ADA)[0].warnings == ()
    two.settle()
    ask(two, "image img:5 #2")
    assert images(two) == {"a": "img:5", "b": "img:5"}


class Killed(BaseException):
    pass


@pytest.mark.embedded_only
@pytest.mark.parametrize("at", ["_save", "tell"])
def test_a_kill_neither_loses_it_nor_does_it_twice(two, monkeypatch, at):
    """Killed before, or after, the grid is written: all of it is in one transaction."""
    done = getattr(operations, at)

    def killed(*arguments):
        if at == "tell":
            done(*arguments)
        raise Killed

    monkeypatch.setattr(operations, at, killed)
    with pytest.raises(Killed):
        ask(two, "image img:8")
    before = Grid.objects.get()
    assert (before.operation, image_of(before.spec["template"])) == ("", "img:2")
    monkeypatch.setattr(operations, at, done)
    two.until(lambda: not WorkKey.objects.exclude(holder="").exists())  # the dead left none behind
    two.resync()
    assert images(two) == {"a": "img:8", "b": "img:8"}
    assert Grid.objects.get().revisions.filter(spec=Grid.objects.get().spec).count() == 1
    assert len(told("OperationDone")) == 1


@pytest.mark.embedded_only
def test_of_two_workers_one_does_it(two):
    """The other has read the grid before."""
    stale = Grid.objects.get()
    stale.metadata = {"annotations": {OPERATION: "image img:8"}}
    Grid.objects.update(metadata=stale.metadata)
    assert operations.carry_out(stale)
    generation = Grid.objects.get().generation
    assert operations.carry_out(stale)
    assert Grid.objects.get().generation == generation
