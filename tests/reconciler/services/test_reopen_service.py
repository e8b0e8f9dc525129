"""Between a Service that is open and one that is closed: nobody is refused whom both would serve, because the sentinels
come last and go first."""

import pytest

from sgportal.core.names import BUILT_IN_SLICES, CLOSURE, MANAGED_BY, NO_NODE, SELECTOR, SERVICE_NAME
from sgportal.core.traffic.slices.sentinels import sentinel_number
from sgportal.reconciler.grids.writes import apply, reopen_service

from ..world import seed
from .test_keeper import SERVED, SERVICE, a_keeper, closed, reached, slices, until

__all__ = ["closed"]  # a fixture


def set_mode(world, mode):
    grid = seed("servicegrid")
    grid["spec"]["closure"] = {"mode": mode}
    world.save(grid)


def sentinels(world):
    return [name for name, body in slices(world).items() if sentinel_number(body)]


def service(world):
    return world.get(SERVICE, "Service")


@pytest.fixture
def opened(monkeypatch):
    """How many sentinels there were each time that a Service was updated."""
    counts, update = [], apply._update

    def counting(step, cluster):
        found = cluster.list("EndpointSlice", "default", label_selector=f"{SERVICE_NAME}={SERVICE}").items
        counts.append(sum(bool(sentinel_number(each)) for each in found))
        return update(step, cluster)

    monkeypatch.setattr(apply, "_update", counting)
    return counts


@pytest.mark.parametrize("mode", ["open", "wrapper"])
def test_sentinels_go_before_the_selector_comes(closed, opened, mode):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        set_mode(closed, mode)
        assert opened == [0]
        assert service(closed)["spec"]["selector"] == {"appGrid": "echo"}
        assert not {CLOSURE, SELECTOR} & (service(closed)["metadata"].get("annotations") or {}).keys()
        assert all("refuse" not in each for each in slices(closed))


def test_where_no_keeper_runs_they_are_taken_out_all_the_same(closed, opened, monkeypatch):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
    assert sentinels(closed)
    monkeypatch.setattr(reopen_service, "PATIENCE_SECONDS", 0.1)
    set_mode(closed, "open")
    assert opened == [0]
    assert not sentinels(closed)


def test_what_does_not_open_a_service_is_not_looked_at(closed, opened, monkeypatch):
    monkeypatch.setattr(reopen_service, "_wait", pytest.fail)
    set_mode(closed, "prefer")
    set_mode(closed, "strict")
    closed.edit(SERVICE, {"metadata": {"annotations": {"topologyKeys": None}}}, "Service")
    closed.resync()
    assert len(opened) == 3


def built_in(world, uid):
    """A slice as the cluster's own controller leaves it when a Service loses its selector."""
    labels = {SERVICE_NAME: SERVICE, MANAGED_BY: BUILT_IN_SLICES}
    metadata = {"name": f"{SERVICE}-{uid}", "namespace": "default", "labels": labels}
    body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": []}
    return world.cluster.create({**body, "metadata": metadata, "endpoints": [{"addresses": ["10.1.2.3"]}]})


def test_sentinels_come_after_the_last_slice_without_hints_has_gone(closed):
    left = built_in(closed, "abcde")["metadata"]["name"]
    with a_keeper(closed.cluster):
        until(lambda: closed.cluster.get("EndpointSlice", "default", left) is None)
        assert {*reached(closed)} == SERVED.keys() - {NO_NODE}
        assert not sentinels(closed)
        until(lambda: reached(closed) == SERVED)


def test_from_prefer_to_strict_and_back_the_sentinels_come_last_and_go_first(closed):
    def version(name):
        return int(slices(closed)[name]["metadata"]["resourceVersion"])

    set_mode(closed, "prefer")
    with a_keeper(closed.cluster):
        until(lambda: {*reached(closed)} == SERVED.keys() - {NO_NODE})
        set_mode(closed, "strict")
        until(lambda: sentinels(closed))
        assert version(f"{SERVICE}-v4refuse1") > version(f"{SERVICE}-v4units1")
        set_mode(closed, "prefer")
        until(lambda: not sentinels(closed))
        assert {*reached(closed)} == SERVED.keys() - {NO_NODE}
