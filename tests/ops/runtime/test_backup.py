"""Losing the database, and getting it back from one file, while what runs in the cluster runs on."""

import gzip
import json
import sys
from dataclasses import replace
from io import BytesIO

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User

from sgportal.access import approvals
from sgportal.actions import Actor, save_grids
from sgportal.management import backup
from sgportal.models import ApiToken, Approval, AuditEvent, Grid, Heartbeat, Pod, Revision
from tests.reconciler.world import a_grid
from tests.services import wait_for

from .workers import World

MANAGE = [sys.executable, "manage.py"]


def test_every_model_is_kept_or_left_out_for_a_reason():
    every = {each._meta.label for each in apps.get_models()}
    assert backup.LEFT_OUT.keys() <= every
    assert {each._meta.label for each in backup.kept()} == every - backup.LEFT_OUT.keys()
    assert {"sgportal.Grid", "sgportal.ApiToken", "sgportal.Revision", "auth.User"} <= every - backup.LEFT_OUT.keys()


@pytest.fixture
def rows(transactional_db):
    """A user with a role and a token, two grids with their revisions, and a pod, which is not kept."""
    user = User.objects.create_user("李雷", password="correct horse")
    user.groups.add(Group.objects.get_or_create(name="operator")[0])
    ApiToken.issue(user, "test", "write")
    save_grids([a_grid("a", "zone1"), a_grid("b", "zone1")], Actor("李雷", "shell"))
    Pod.objects.create(uid="1", namespace="default", name="p")


def everything() -> dict[str, list]:
    found = {each._meta.label: list(each.objects.order_by("pk").values()) for each in backup.kept()}
    return {**found, "roles": list(User.groups.through.objects.order_by("pk").values("user_id", "group_id"))}


def made() -> bytes:
    file = BytesIO()
    backup.write(file)
    return file.getvalue()


def test_what_was_there_is_there_again(rows):
    file, before = made(), everything()
    Grid.objects.all().delete()
    User.objects.all().delete()
    User.objects.create_user("somebody else")
    count = backup.read(BytesIO(file), replace=True)
    assert count == sum(len(each) for label, each in before.items() if label != "roles")
    audit = AuditEvent.objects.latest("pk")
    assert (audit.verb, audit.path[:10]) == ("restore", "backup of ")
    audit.delete()
    # What was asked of them once since may have been done, and is not done twice.
    assert set(Grid.objects.values_list("operation", flat=True)) == {None}
    Grid.objects.update(operation="")
    assert everything() == before
    assert not Pod.objects.exists()
    assert User.objects.get().check_password("correct horse")
    save_grids([a_grid("c", "zone1")], Actor("李雷", "shell"))
    assert Revision.objects.count() == 3


def test_what_another_person_approved_may_have_been_done_and_is_approved_anew(rows):
    state = Approval.State
    asked = approvals.Asked("ada", "delete", "deploymentgrids/default/a", "0123", {})
    for each in (state.APPROVED, state.WAITING, state.DONE):
        approvals.ask(replace(asked, path=f"deploymentgrids/default/{each}"))
        Approval.objects.filter(path__endswith=each).update(state=each, decided_by="bo")
    backup.read(BytesIO(made()), replace=True)
    found = dict(Approval.objects.values_list("path", "state"))
    assert list(found.values()) == [state.DONE, state.WAITING, state.OUTDATED]
    assert approvals.spend(replace(asked, path=f"deploymentgrids/default/{state.APPROVED}")) == ""


def test_what_is_no_whole_backup_changes_nothing(rows):
    whole, before = made(), everything()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    head, row = json.loads(lines[0]), json.loads(lines[-2])
    broken = {
        "its end is missing": lines[:-1],
        "should hold": [*lines[:-2], lines[-1]],
        "and holds": [*lines, lines[-1]],
        "the database is at": [_line({**head, "migration": "0001_initial"}), *lines[1:]],
        "cannot read": [_line({**head, "format": 2}), *lines[1:]],
        "no backup of the portal": [b'{"a": 1}\n'],
        "is no object": [b"[1]\n"],
        "Invalid model identifier": [lines[0], _line({**row, "model": "sgportal.nothing"})],
        "has no field": [lines[0], _line({**row, "fields": {"nothing": 1}})],
        "UNIQUE|unique": [*lines[:-1], lines[-2]],
    }
    files = {says: gzip.compress(b"".join(text)) for says, text in broken.items()}
    files |= {"only a part of one": whole[: len(whole) // 2], "this is no backup": b"hello"}
    for says, content in files.items():
        with pytest.raises(backup.Unusable, match=says):
            backup.read(BytesIO(content), replace=True)
        assert everything() == before, says


def _line(body: dict) -> bytes:
    return json.dumps(body).encode() + b"\n"


def test_nothing_is_restored_over_what_is_there_or_beside_what_lives(rows):
    file = made()
    with pytest.raises(backup.Unusable, match="--replace removes all of it first"):
        backup.read(BytesIO(file), replace=False)
    Heartbeat.objects.create(kind="worker", name="host:1:a")
    with pytest.raises(backup.Unusable, match="these processes live and would write meanwhile: worker"):
        backup.read(BytesIO(file), replace=True)


@pytest.mark.postgres
def test_a_lost_database_comes_back_and_nothing_that_runs_is_touched(embedded_cluster, postgres_server, tmp_path):
    """From SQLite to PostgreSQL at that, through the commands and the portal's own processes."""
    world = World(tmp_path, embedded_cluster("large:4x2"), 2, f"sqlite:///{tmp_path}/a.sqlite3", "")
    try:
        world.create(0, 3)
        world.token  # noqa: B018 - issued before the backup
        world.start("watch", "worker")
        wait_for(lambda: _all_run(world) and len(_deployments(world)) == 6, 100, "all children are there")
        world.portal.stop()
        before, path = _deployments(world), tmp_path / "portal.backup"
        world.portal.run([*MANAGE, "backup", str(path)])
        assert path.stat().st_mode & 0o077 == 0

        world.portal.settings["DATABASE_URL"] = postgres_server.url()
        world.portal.run([*MANAGE, "migrateonce"])
        world.portal.run([*MANAGE, "restore", str(path)])
        world.start("watch", "worker")
        world.web()
        body = {**a_grid("g3", "site"), "apiVersion": "superedge.io/v1", "kind": "DeploymentGrid"}
        status, said = world.ask("/api/v1/deploymentgrids", body)  # with the token from before
        assert status == 201, said  # numbers of rows go on where they were
        wait_for(lambda: _all_run(world) and _ready(world) == {"g0", "g1", "g2", "g3"}, 100, "all is known again", 0.5)
        assert before.items() <= _deployments(world).items()
    finally:
        world.portal.stop()


def _ready(world: World) -> set[str]:
    """The grids whose children are all there and ready, by the portal's own word."""
    items = world.ask("/api/v1/deploymentgrids")[1]["items"]
    conditions = {each["metadata"]["name"]: each["status"].get("conditions") or [] for each in items}
    return {name for name, found in conditions.items() if any(_is_ready(each) for each in found)}


def _is_ready(condition: dict) -> bool:
    return (condition["type"], condition["status"]) == ("Ready", "True")


def _all_run(world: World) -> bool:
    """Whether no process has ended, which would be named with what it said."""
    for name, process in world.portal.running.items():
        assert process.poll() is None, f"{name} ended ({process.returncode}): {world.portal.log(name)}"
    return True


def _deployments(world: World) -> dict[str, tuple[str, int]]:
    store = world.cluster.store
    found = world.cluster.call(lambda: [each["metadata"] for each in store.each("deployments.apps")])
    return {each["name"]: (each["uid"], each["generation"]) for each in found}
