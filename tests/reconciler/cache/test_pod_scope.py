"""Which pods are stored: those that a grid, a ServiceGrid or a proof may speak of, whichever of the two comes first."""

from typing import Any

import pytest

from sgportal.cluster import MERGE_PATCH
from sgportal.core.names import MANAGED_BY, SERVICE_NAME
from sgportal.models import Grid, Pod
from sgportal.reconciler.cache.pod_scope import CurrentScope, PodScope, Selection

from ..watching import a_watch, until
from ..world import World, a_template, seed

SCOPE = PodScope(
    grids={"shop": frozenset(("web", "web-api"))},
    selectors={"shop": frozenset((frozenset((("app", "db"), ("tier", "back"))),)), "lab": frozenset((frozenset(),))},
    whole=frozenset(("open",)),
)
CASES = {
    "of a grid": (Pod(namespace="shop", child="web-a"), True),
    "of a grid with a dash": (Pod(namespace="shop", child="web-api-site-1"), True),
    "of the grid's name in another namespace": (Pod(namespace="other", child="web-a"), False),
    "of a workload that is named as the grid": (Pod(namespace="shop", child="web"), False),
    "of a workload whose name begins as the grid's": (Pod(namespace="shop", child="website"), False),
    "of nobody": (Pod(namespace="shop", name="web-a"), False),
    "selected": (Pod(namespace="shop", labels={"app": "db", "tier": "back", "x": "y"}), True),
    "half selected": (Pod(namespace="shop", labels={"app": "db"}), False),
    "selected in another namespace": (Pod(namespace="other", labels={"app": "db", "tier": "back"}), False),
    "in a namespace with slices of others": (Pod(namespace="open"), True),
    "kube-proxy": (Pod(namespace="kube-system", agent="kube-proxy"), True),
}


@pytest.mark.parametrize("what", CASES)
def test_a_pod_is_stored_where_somebody_speaks_of_it(what):
    pod, stored = CASES[what]
    assert SCOPE.holds(pod) == stored
    assert SCOPE.restrict({"u": pod}) == {"u": pod if stored else None}


@pytest.mark.django_db
def test_rows_that_nobody_would_accept_choose_no_pods():
    for number, spec in enumerate(({}, {"template": None}, {"template": {"selector": "a"}}, {"template": [1]})):
        Grid.objects.create(kind="ServiceGrid", namespace="default", name=f"s{number}", spec=spec)
    assert PodScope.read() == PodScope()


@pytest.mark.django_db
def test_a_grid_alone_asks_for_no_list_and_a_service_grid_for_its_pods():
    asked: list[Selection] = []
    scope = CurrentScope(asked.extend)

    def refreshed() -> list[Selection]:
        asked.clear()
        scope.refresh()
        scope.saved()
        return list(asked)

    assert refreshed() == []
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g")
    assert refreshed() == [Selection("default")], "nobody knows yet which workloads there are"
    for resource in ("deployments", "statefulsets", "services"):
        scope.listed(resource)
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="h")
    assert refreshed() == []
    grid = Grid.objects.create(kind="ServiceGrid", namespace="default", name="s", spec=_spec({"b": "2", "a": "1"}))
    assert refreshed() == [Selection("default", "a=1,b=2")]
    Grid.objects.filter(pk=grid.pk).update(spec=_spec({"a": "3"}), version=2)
    assert refreshed() == [Selection("default", "a=3")]
    grid.delete()
    assert refreshed() == []


def _spec(selector: dict[str, str]) -> dict[str, Any]:
    return {"gridUniqKey": "zone", "template": {"selector": selector, "ports": [{"port": 80}]}}


def _run(world: World, name: str, app: str) -> None:
    """A workload of nobody's, with a running pod."""
    metadata = {"name": name, "namespace": "default"}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": a_template(app=app)}
    world.cluster.apply(body)
    world.until_ready(name)


def _stored() -> set[str]:
    return set(Pod.objects.filter(agent="").values_list("child", flat=True))


def test_pods_that_were_there_first_are_found_and_forgotten_when_nobody_speaks_of_them(world: World):
    _run(world, "early", "echo")
    _run(world, "other", "other")
    _run(world, "g-a", "third")
    with a_watch(world.cluster):
        assert _stored() == set()
        service = Grid.objects.create(
            kind="ServiceGrid", namespace="default", name="s", spec=_spec({"appGrid": "echo"})
        )
        until(lambda: _stored() == {"early"})
        grid = Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g")
        until(lambda: _stored() == {"early", "g-a"})
        service.delete()
        until(lambda: _stored() == {"g-a"})
        grid.delete()
        until(lambda: _stored() == set())


def test_pods_are_followed_after_they_were_listed_besides(world: World):
    _run(world, "early", "echo")
    with a_watch(world.cluster):
        Grid.objects.create(kind="ServiceGrid", namespace="default", name="s", spec=_spec({"appGrid": "echo"}))
        pod = until(lambda: Pod.objects.filter(child="early", ready=True).first())
        world.cluster.patch("Pod", "default", pod.name, {"metadata": {"labels": {"note": "x"}}}, MERGE_PATCH)
        until(lambda: Pod.objects.get(uid=pod.uid).labels.get("note") == "x")
        world.cluster.patch("Pod", "default", pod.name, {"metadata": {"labels": {"appGrid": "none"}}}, MERGE_PATCH)
        until(lambda: not Pod.objects.filter(uid=pod.uid).exists())
        world.cluster.delete("Deployment", "default", "early")
        until(lambda: not Pod.objects.filter(child="early").exists())


def test_where_somebody_else_writes_endpoint_slices_every_pod_is_known(world: World):
    _run(world, "other", "other")
    Grid.objects.create(kind="ServiceGrid", namespace="default", name="s", spec=seed("servicegrid")["spec"])
    labels = {SERVICE_NAME: "s-svc", MANAGED_BY: "somebody"}
    metadata = {"name": "theirs", "namespace": "default", "labels": labels}
    body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4"}
    with a_watch(world.cluster):
        assert _stored() == set()
        world.cluster.create({**body, "endpoints": [], "ports": []})
        until(lambda: _stored() == {"other"})
        world.cluster.delete("EndpointSlice", "default", "theirs")
        until(lambda: _stored() == set())
