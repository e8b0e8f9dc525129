"""The look at the data plane on both clusters, with the rights of deploy/rbac.yaml: what is found, kept and refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.actions import save_grids
from sgportal.cluster import Refused, Throttled, Unreachable, connect
from sgportal.cluster.kinds import Resource
from sgportal.core.text import Invalid
from sgportal.core.traffic.dataplane import OTHERS, Plane, Trial, other
from sgportal.models import DataPlane, Grid, Journal
from sgportal.queries.capabilities import abilities
from sgportal.reconciler.discovery import dataplane, detector
from sgportal.reconciler.discovery.dataplane import Inspector
from sgportal.reconciler.process import connection
from tests.kube.admission import webhook

from ..watching import a_watch, until, wishes
from ..world import ADA, seed
from .planes import CONFIG, FELIX, planes

GRID = "servicegrids/default/servicegrid-demo"
SERVICE = "servicegrid-demo-svc"


@pytest.fixture
def others(world):
    """Other data planes, gone afterwards."""
    with planes(world) as made:
        yield made


def looked(inspector=None, version="v1.37.2"):
    return (inspector or Inspector()).look(connection.reading(), version)


def noted():
    dataplane.note(looked())
    return abilities().keeping


def saying(keeping):
    return " ".join(str(each) for each in keeping.sentences)


def a_service(closure=None):
    manifest = seed("servicegrid")
    return {**manifest, "spec": {**manifest["spec"], **({"closure": {"mode": closure}} if closure else {})}}


def test_without_a_sign_of_another_it_is_kube_proxy_and_hints_are_kept(world):
    slices = world.names("EndpointSlice")
    seen = looked()
    assert (seen.plane, seen.trial) == (Plane("kube-proxy"), Trial(True))
    assert world.names("EndpointSlice") == slices  # a dry run leaves nothing


def test_cilium_is_recognised_and_nothing_of_it_is_guessed(world, others):
    others.cilium(kube_proxy_replacement="true")
    assert looked().plane == Plane("cilium", "true")
    others.send("DELETE", f"{CONFIG}/cilium-config")
    assert str(looked().plane.why) == "there is an API of Cilium's, but no ConfigMap kube-system/cilium-config"
    others.configure(enable_ipv4="true")
    assert looked().plane == Plane("cilium", "false")


def test_calico_is_recognised_by_its_felix_and_version(world, others):
    others.calico("v3.32.1", bpfEnabled=False)
    assert looked().plane == Plane("kube-proxy")
    others.change(FELIX, bpfEnabled=True)
    assert looked().plane == Plane("calico-ebpf", "v3.32.1")
    assert "by its published rule" in saying(noted())
    assert abilities().keeping.kept


@pytest.mark.parametrize(("group", "name"), OTHERS.items())
def test_others_are_recognised_by_their_group(world, others, group, name):
    others.serve(Resource("Anything", f"{group}/v1", "anythings", namespaced=False))
    assert looked().plane == other(name)
    can = noted().can
    assert can.doubt("strict")
    assert (can.strict, can.everywhere) == ((False, True) if name == "ovn-kubernetes" else (True, False))


def test_a_running_service_is_held_and_a_new_one_refused_when_cilium_comes(world, others):
    """And when it goes again everything is as before; the grid is woken each time."""
    grid = world.save(a_service())
    held = world.get(SERVICE, "Service")
    assert "selector" not in held["spec"]
    others.cilium(kube_proxy_replacement="true")
    before = wishes(GRID)
    assert noted().kept is False
    assert wishes(GRID) == before + 1
    assert Journal.objects.filter(kind="cluster", key="dataplane").exists()
    world.settle()
    grid.refresh_from_db()
    assert world.get(SERVICE, "Service")["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]
    unit = grid.units.get(name="")
    assert unit.reason == "ClosureNotSupported"
    assert "Cilium carries the traffic" in str(unit.sentence)
    conditions = {each["type"]: (each["status"], each["reason"]) for each in grid.status["conditions"]}
    assert conditions["Closed"][0] == "Unknown"
    assert grid.status["closure"] == "strict"
    with pytest.raises(Invalid, match="Cilium carries the traffic"):
        save_grids([a_service("strict")], ADA)
    others.clear()
    assert noted().kept
    world.settle()
    grid.refresh_from_db()
    assert grid.units.get(name="").reason != "ClosureNotSupported"
    assert world.get(SERVICE, "Service")["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]


def test_a_new_service_that_asks_for_nothing_keeps_its_selector_behind_cilium(world, others):
    others.cilium()
    noted()
    grid = world.save(a_service())
    assert world.get(SERVICE, "Service")["spec"]["selector"] == {"appGrid": "echo"}
    assert grid.status["closure"] == "wrapper"
    assert grid.status["nodes"]["unknown"] == 3


def test_the_watch_looks_by_itself_and_wakes_only_where_something_changed(world, others):
    Grid.objects.create(kind="ServiceGrid", namespace="default", name="g", key="zone")
    with a_watch(world.cluster):
        row = until(lambda: DataPlane.objects.first())
        assert row.plane == Plane("kube-proxy")
        looked_at, tried_at = row.looked_at, row.tried_at
        until(lambda: DataPlane.now().looked_at > looked_at)
        assert DataPlane.now().tried_at == tried_at
        seen = wishes("servicegrids/default/g")
        others.cilium(kube_proxy_replacement="true")
        until(lambda: DataPlane.now().plane == Plane("cilium", "true"))
        assert wishes("servicegrids/default/g") > seen


def test_the_dry_run_is_rare(world, monkeypatch):
    inspector = Inspector()
    first = looked(inspector)
    world.server.reset_counts()
    assert looked(inspector).tried_at == first.tried_at
    assert world.server.requests["POST", "endpointslices"] == 0
    assert looked(inspector, "v1.38.0").tried_at > first.tried_at
    monkeypatch.setattr(dataplane, "TRIAL_SECONDS", -1.0)
    looked(inspector, "v1.39.0")
    looked(inspector, "v1.39.0")
    assert world.server.requests["POST", "endpointslices"] == 3


def test_it_is_looked_at_before_anything_is_read(world, others):
    """What is read leads to writes: a new ServiceGrid must not be closed for want of a look."""
    others.cilium(kube_proxy_replacement="true")
    world.label("node0", zone1="a")
    with a_watch(world.cluster):
        assert DataPlane.now().plane == Plane("cilium", "true")


@pytest.mark.parametrize(
    ("status", "words", "kept"),
    [
        (400, 'strict decoding error: unknown field "endpoints[0].hints.forNodes"', False),
        (422, "endpoints[0].hints.forZones[0].name: Invalid value", False),
        (400, 'admission webhook "x.example" does not support dry run', None),
        (422, "ValidatingAdmissionPolicy 'x' denied request", None),
        (403, "exceeded quota", None),
    ],
)
def test_only_a_refusal_of_hints_speaks_against_them(status, words, kept):
    class Refusing:
        def groups(self):
            return frozenset()

        def create(self, body, *, dry_run):
            assert dry_run
            raise Refused(words, status)

    assert Inspector().look(Refusing(), "v1.32.0").trial == Trial(kept, words)


@pytest.mark.embedded_only
def test_what_may_not_be_read_is_not_known_and_changes_no_mode(world, others):
    grid = world.save(a_service())
    others.cilium(kube_proxy_replacement="true")
    world.embedded.faults.add("status", code=403, resource="configmaps", methods=("GET",))
    keeping = noted()
    assert (keeping.kept, keeping.can.strict) == (None, True)
    assert "ConfigMap kube-system/cilium-config cannot be read" in saying(keeping)
    world.settle()
    grid.refresh_from_db()
    assert grid.status["closure"] == "strict"
    assert grid.status["nodes"]["unknown"] == 3
    assert "selector" not in world.get(SERVICE, "Service")["spec"]


@pytest.mark.embedded_only
@pytest.mark.parametrize(("path", "code"), [("^/apis$", 403), ("/apis/discovery", 403), ("/apis/discovery", 405)])
def test_a_missing_right_is_said(world, path, code):
    world.embedded.faults.add("status", code=code, path=path, methods=("GET", "POST"))
    keeping = noted()
    assert (keeping.kept, keeping.can.strict) == (None, True)
    assert "unknown" in saying(keeping)


@pytest.mark.embedded_only
@pytest.mark.parametrize("trouble", ["500 on the dry run", "500 on the groups", "429", "gone"])
def test_while_it_cannot_be_looked_at_what_was_seen_stands_with_its_age(world, trouble, caplog):
    old = timezone.now() - timedelta(hours=2)
    DataPlane.keep(Plane("cilium", "true"), Trial(True), old, old)
    faults = world.embedded.faults
    if trouble == "gone":
        faults.add("unreachable", seconds=5.0)
    elif trouble == "500 on the groups":
        faults.add("status", code=500, path="^/apis$")
    else:
        faults.add("status", code=429 if trouble == "429" else 500, resource="endpointslices", methods=("POST",))
    with pytest.raises((Unreachable, Throttled)):
        looked()
    if trouble != "gone":
        caplog.set_level("INFO", detector.__name__)
        with a_watch(world.cluster):
            until(lambda: "what was last seen of the data plane stands" in caplog.text)
    assert (DataPlane.now().plane, DataPlane.now().looked_at) == (Plane("cilium", "true"), old)


@pytest.mark.real_only
@pytest.mark.kubernetes
@pytest.mark.timeout(240)
def test_a_server_that_drops_or_refuses_hints_is_found_out(world, tmp_path):
    """As one before 1.33 does, or one whose administrator will have none: here a webhook stands for them."""
    plane = world.server.plane

    def drop(body):
        return [
            {"op": "remove", "path": f"/endpoints/{index}/hints/forNodes"}
            for index, each in enumerate(body.get("endpoints") or ())
            if "forNodes" in (each.get("hints") or {})
        ]

    (tmp_path / "a").mkdir()
    with webhook(plane, tmp_path / "a", drop, kind="Mutating", plural="endpointslices"):
        assert looked().trial == Trial(False)
        assert "drops hints for nodes" in saying(noted())
        with pytest.raises(Invalid, match="drops hints for nodes"):
            save_grids([a_service("strict")], ADA)
    (tmp_path / "b").mkdir()
    with webhook(plane, tmp_path / "b", lambda body: "no slices today", plural="endpointslices"):
        trial = looked().trial
        assert trial.kept is None
        assert "no slices today" in trial.said
    (tmp_path / "c").mkdir()
    with webhook(plane, tmp_path / "c", lambda body: None, plural="endpointslices") as down:
        down.stop()
        with pytest.raises(Refused, match="failed calling webhook"):
            looked()
    assert looked().trial == Trial(True)


@pytest.mark.real_only
@pytest.mark.kubernetes
def test_a_user_without_any_right_knows_nothing(world, others, monkeypatch):
    """The portal's user before its roles are bound."""
    others.cilium(kube_proxy_replacement="true")
    monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(world.server.plane.kubeconfig("stranger")))
    cluster = connect("demo")
    try:
        seen = Inspector().look(cluster, "v1.37.2")
    finally:
        cluster.close()
    assert 'configmaps "cilium-config" is forbidden' in str(seen.plane.why)
    assert seen.trial.kept is None
    assert "endpointslices.discovery.k8s.io is forbidden" in seen.trial.said


@pytest.mark.real_only
@pytest.mark.kubernetes
def test_while_the_api_server_is_gone_nothing_is_forgotten(world):
    noted()
    before = DataPlane.now()
    world.server.unreachable(True)
    try:
        with pytest.raises(Unreachable):
            looked()
    finally:
        world.server.unreachable(False)
    assert DataPlane.now().looked_at == before.looked_at
    assert abilities().keeping.kept
