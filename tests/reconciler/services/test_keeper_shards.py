"""Several keepers that share the closed Services: each is kept by one, whoever dies."""

import json
import threading

import pytest

from sgportal.core.names import CLOSURE, SELECTOR, SERVICE_NAME, refusing_name
from sgportal.core.shards import all_of
from sgportal.core.traffic.closure import Closure, write_closure
from sgportal.reconciler.endpoints.refusal import Needed, refusing_service
from sgportal.reconciler.keeper_process import LeaderElection
from sgportal.reconciler.process import connection

from ..watching import QUICK, holders, until
from .test_keeper import closed, slices

__all__ = ["closed"]  # a fixture
FIRST, SECOND = all_of(2)


def close(world, name, port=80, protocol="TCP"):
    """A closed Service that has no pods."""
    annotations = {CLOSURE: write_closure(Closure("strict"), "zone1"), SELECTOR: json.dumps({"app": name})}
    ports = [{"port": port, "protocol": protocol}]
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    world.cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}})


def kept(world):
    """The Services that have slices of ours."""
    return {each["metadata"]["labels"][SERVICE_NAME] for each in slices(world).values()}


def turn():
    stop, made = threading.Event(), LeaderElection(QUICK, 1.5, 2)
    thread = threading.Thread(target=made.run, args=(stop,), daemon=True)
    thread.start()
    return made, stop, thread


@pytest.mark.embedded_only
def test_two_keepers_share_the_services_and_whoever_is_left_keeps_all(closed):
    names = {f"web-{number}" for number in range(8)}
    for shard in (FIRST, SECOND):
        assert any(shard.owns(f"default/{name}") for name in names), "each has some"
    for name in names:
        close(closed, name)
    running = [turn(), turn()]
    first, second = (made for made, _, _ in running)
    try:
        until(lambda: set(holders("keeper").values()) == {first._turns.holder, second._turns.holder})
        until(lambda: names <= kept(closed))
        until(lambda: first._metrics.kept + second._metrics.kept == len(names) + 1)
        assert 0 < first._metrics.kept <= len(names)
        first._leave = lambda: None  # as if killed
        running[0][1].set()
        running[0][2].join(75)
        more = {f"late-{number}" for number in range(8)}
        for name in more:
            close(closed, name)
        until(lambda: set(holders("keeper").values()) == {second._turns.holder} and len(holders("keeper")) == 2)
        until(lambda: names | more <= kept(closed))
    finally:
        for _, stop, thread in running:
            stop.set()
            thread.join(75)
            assert not thread.is_alive()
        connection.disconnect()


def test_keepers_of_several_shards_do_not_take_each_others_ports_away():
    def live(ports):
        body = refusing_service("sgportal", 1, ports)
        return {1: {**body, "spec": {**body["spec"], "clusterIP": "10.0.0.1"}}}

    one = Needed(ports={"TCP": 2, "UDP": 3})
    others = live({"TCP": 5})
    assert one.missing(others) == [1]
    one.take_over(others)
    assert one.missing(others) == [1]
    assert one.ports == {"TCP": 5, "UDP": 3, "SCTP": 0}
    both = live(one.ports)
    other = Needed(ports={"TCP": 5})
    other.take_over(both)
    assert one.missing(both) == other.missing(both) == []
    assert refusing_name(1) == both[1]["metadata"]["name"]
