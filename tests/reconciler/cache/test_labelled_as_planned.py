"""One node is labelled as somebody agreed to or not at all, and nobody waits for the API server's answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from sgportal import actions
from sgportal.actions.common import WHOLE, as_planned
from sgportal.cluster import MERGE_PATCH, Cluster
from sgportal.models import Node

from ..world import ADA, World, a_grid, as_manager

pytestmark = pytest.mark.embedded_only
CHANGES = {"zone": "b"}


@pytest.fixture
def plan(world: World) -> str:
    """The id of what it would do to label a node."""
    world.label("node0", zone="a")
    world.save(a_grid())
    return str(actions.label_node("node0", CHANGES, ADA, dry_run=True).id)


def carried_out(plan: str) -> None:
    with as_planned({WHOLE: plan}):
        actions.label_node("node0", CHANGES, ADA)


def before_each_write(monkeypatch: pytest.MonkeyPatch, happens: Callable[[int], Any]) -> None:
    """Have something happen just before a node is patched; it is told the number of the try."""
    real, tries = Cluster.patch, []

    def patch(cluster: Cluster, *args: Any) -> Any:
        tries.append(args)
        happens(len(tries))
        return real(cluster, *args)

    monkeypatch.setattr(Cluster, "patch", patch)


def written_elsewhere(world: World, metadata: dict[str, Any]) -> None:
    as_manager(world.cluster, "kubectl", "Node", "node0", {"metadata": metadata}, MERGE_PATCH)


def depth() -> tuple[bool, int]:
    return connection.in_atomic_block, len(connection.savepoint_ids)


def zone(world: World) -> str:
    return str(world.get("node0", "Node", "")["metadata"]["labels"]["zone"])


def test_no_transaction_is_open_while_the_api_server_is_asked(
    world: World, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, found = depth(), []
    before_each_write(monkeypatch, lambda _: found.append(depth()))
    carried_out(plan)
    assert found == [outside]
    assert zone(world) == Node.objects.get(name="node0").labels["zone"] == "b"


def test_what_happens_to_the_node_after_the_comparison_is_seen(
    world: World, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"labels": {"zone": "c"}}
    before_each_write(monkeypatch, lambda number: written_elsewhere(world, elsewhere) if number == 1 else None)
    with pytest.raises(actions.PlanChanged):
        carried_out(plan)
    assert zone(world) == Node.objects.get(name="node0").labels["zone"] == "c"


def test_a_heartbeat_meanwhile_is_no_reason_to_refuse(world: World, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def beat(number: int) -> None:
        if number < 3:
            written_elsewhere(world, {"annotations": {"beat": str(number)}})

    before_each_write(monkeypatch, beat)
    carried_out(plan)
    assert zone(world) == "b"


def test_a_node_of_the_same_name_that_was_made_anew_is_another(world: World, plan: str) -> None:
    Node.objects.filter(name="node0").update(uid="of-one-that-is-gone")
    with pytest.raises(actions.PlanChanged):
        carried_out(plan)
    assert zone(world) == "a"
