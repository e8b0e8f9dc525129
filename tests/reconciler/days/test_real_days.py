"""What only a real control plane does to us: it refuses, throttles, restarts, forgets, and takes nodes for dead."""

import contextlib
import signal
import threading

import pytest
from django.db.models import F
from django.utils import timezone

from sgportal.cluster import MERGE_PATCH
from sgportal.cluster.transport import Transport
from sgportal.models import Grid, GridUnit, ResourceSync, WorkKey
from sgportal.reconciler.process import connection
from sgportal.reconciler.worker import run
from tests.kube.admission import webhook

from ..watching import a_watch, unit_of, until
from ..world import a_grid, a_template

pytestmark = [pytest.mark.real_only, pytest.mark.kubernetes, pytest.mark.timeout(240)]
KEY = "deploymentgrids/default/g"
QUOTAS = "/api/v1/namespaces/default/resourcequotas"


@pytest.fixture
def sites(world):
    """Units a (node0) and b (node1), no grid yet."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    return world


@contextlib.contextmanager
def existing(plane, path, body):
    """An object that is there for a while."""
    plane.request("POST", path, body)
    try:
        yield
    finally:
        plane.request("DELETE", f"{path}/{body['metadata']['name']}")


def said(unit, grid="g"):
    """State, reason and sentence of a unit."""
    row = GridUnit.objects.get(grid__name=grid, name=unit)
    return row.state, row.reason, str(row.sentence)


def again(world):
    """Every back-off is over."""
    world.later(3600)
    world.resync()


def all_ready(world, *names):
    again(world)
    world.until_ready(*names)
    assert {unit.state for unit in GridUnit.objects.filter(grid__kind="DeploymentGrid")} == {"Ready"}


def quota(**hard):
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": hard}}


def test_a_quota_on_workloads_blocks_one_unit_and_says_so(sites):
    plane = sites.server.plane
    with existing(plane, QUOTAS, quota(**{"count/deployments.apps": "1"})):
        plane.wait(lambda: plane.get(f"{QUOTAS}/few").get("status", {}).get("hard"), 10, "the quota counts")
        sites.save(a_grid(template=a_template()))
        again(sites)
        assert len(sites.names()) == 1
        blocked = GridUnit.objects.get(grid__name="g", state="Blocked")
        assert blocked.reason == "Forbidden"
        assert "exceeded quota: few" in str(blocked.sentence)
    all_ready(sites, "g-a", "g-b")


def test_a_quota_on_pods_is_the_reason_a_unit_shows(sites):
    plane = sites.server.plane
    with existing(plane, QUOTAS, quota(pods="1")):
        plane.wait(lambda: plane.get(f"{QUOTAS}/few").get("status", {}).get("hard"), 10, "the quota counts")
        sites.save(a_grid(template=a_template()))

        def short():
            sites.resync()
            return GridUnit.objects.filter(grid__name="g", state="Degraded", reason="FailedCreate").first()

        unit = sites.until(short)
        assert "exceeded quota: few" in str(unit.sentence)


def test_a_webhook_that_refuses_stops_its_unit_only_and_is_quoted(sites, tmp_path):
    def verdict(body):
        return "ask the security team first" if body["metadata"]["name"] == "g-a" else None

    with webhook(sites.server.plane, tmp_path, verdict):
        sites.save(a_grid(template=a_template()), ask=False)
        again(sites)
        assert sites.names() == ["g-b"]
        state, _, sentence = said("a")
        assert state == "Blocked"
        assert "ask the security team first" in sentence
    all_ready(sites, "g-a", "g-b")


def test_a_webhook_that_is_down_blocks_what_it_guards_and_nothing_else(sites, tmp_path):
    with webhook(sites.server.plane, tmp_path, lambda body: None, plural="statefulsets") as down:
        down.stop()
        stateful = a_grid("s", template={**a_template(), "serviceName": "s"})
        stateful["kind"] = "StatefulSetGrid"
        sites.save(a_grid(template=a_template()), stateful)
        again(sites)
        assert (sites.names(), sites.names("StatefulSet")) == (["g-a", "g-b"], [])
        state, _, sentence = said("a", "s")
        assert state == "Blocked"
        assert "failed calling webhook" in sentence
        assert Grid.objects.get(name="s").status["conditions"][0]["status"] == "False"
    again(sites)
    assert sites.names("StatefulSet") == ["s-a", "s-b"]


def test_a_webhook_that_fails_for_one_object_does_not_hold_up_the_others(world, tmp_path):
    for number in range(12):
        add_unit(world, number)
    try:

        def verdict(body):
            if body["metadata"]["name"] == "g-u00":
                raise ConnectionAbortedError  # no answer: the API server says 500

        with webhook(world.server.plane, tmp_path, verdict):
            world.save(a_grid(template=a_template(replicas=0)))
            assert len(world.names()) == 11
            assert said("u00")[0] == "Blocked"
        again(world)
        assert len(world.names()) == 12
    finally:
        for number in range(12):
            world.server.plane.request("DELETE", f"/api/v1/nodes/unit{number:02}")


def add_unit(world, number):
    world.server.plane.add_node(f"unit{number:02}", 10 + number, zone=f"u{number:02}")
    world.look()


def test_a_webhook_that_changes_what_we_apply_is_not_fought(sites, tmp_path):
    def inject(body):
        where, containers = "/spec/template/spec/containers", body["spec"]["template"]["spec"]["containers"]
        image = {"op": "replace", "path": f"{where}/0/image", "value": "mirror.example/img:1"}
        sidecar = {"op": "add", "path": f"{where}/-", "value": {"name": "sidecar", "image": "s"}}
        return [image] if any(each["name"] == "sidecar" for each in containers) else [image, sidecar]

    with webhook(sites.server.plane, tmp_path, inject, kind="Mutating"):
        sites.save(a_grid(template=a_template()), ask=False)
        sites.until_ready("g-a", "g-b")
        before = {name: sites.get(name)["metadata"]["generation"] for name in sites.names()}
        for _ in range(5):
            again(sites)
        assert {name: sites.get(name)["metadata"]["generation"] for name in sites.names()} == before
        names = [each["name"] for each in sites.get("g-a")["spec"]["template"]["spec"]["containers"]]
        assert names == ["c", "sidecar"]


def test_an_admission_policy_that_refuses_is_quoted(sites):
    plane, group = sites.server.plane, "admissionregistration.k8s.io/v1"
    base = f"/apis/{group}"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "object.metadata.name != 'g-a'", "message": "no workload in unit a, please"}],
    }
    binding = {"policyName": "units", "validationActions": ["Deny"]}
    made = {"apiVersion": group, "metadata": {"name": "units"}}
    with (
        existing(
            plane,
            f"{base}/validatingadmissionpolicies",
            {**made, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        ),
        existing(
            plane,
            f"{base}/validatingadmissionpolicybindings",
            {**made, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
        ),
    ):
        plane.wait(lambda: refused(plane, "g-a"), 20, "the policy is known")
        sites.save(a_grid(template=a_template()), ask=False)
        again(sites)
        assert sites.names() == ["g-b"]
        assert said("a")[0] == "Blocked"
        assert "no workload in unit a, please" in said("a")[2]
    plane.wait(lambda: not refused(plane, "g-a"), 20, "the policy is forgotten")
    all_ready(sites, "g-a", "g-b")


def refused(plane, name, user="admin"):
    """Whether a dry run of this Deployment is refused."""
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": a_template()}
    try:
        plane.request("POST", "/apis/apps/v1/namespaces/default/deployments?dryRun=All", body, user)
    except OSError:
        return True
    return False


@pytest.fixture
def one_seat(sites, tmp_path):
    """A grid that runs, and then one request at a time for Deployments for the product, taken until the event is set:
    API Priority and Fairness answers 429 to the others."""
    sites.save(a_grid(template=a_template()))
    sites.until_ready("g-a", "g-b")
    plane, group = sites.server.plane, "flowcontrol.apiserver.k8s.io/v1"
    no_seats = {"nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"}}
    level = {"type": "Limited", "limited": no_seats}
    rule = {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["deployments"], "namespaces": ["*"]}
    subjects = [{"kind": "User", "user": {"name": "product"}}]
    schema = {
        "priorityLevelConfiguration": {"name": "none"},
        "matchingPrecedence": 2,
        "rules": [{"subjects": subjects, "resourceRules": [rule]}],
    }
    base, made = f"/apis/{group}", {"apiVersion": group, "metadata": {"name": "none"}}
    free = threading.Event()

    def verdict(body):
        if body["metadata"]["name"] == "occupying":
            free.wait(30)

    taken = threading.Thread(target=occupy, args=(plane, free))
    levels, schemas = f"{base}/prioritylevelconfigurations", f"{base}/flowschemas"
    with (
        webhook(plane, tmp_path, verdict, seconds=30),
        existing(plane, levels, {**made, "kind": "PriorityLevelConfiguration", "spec": level}),
        existing(plane, schemas, {**made, "kind": "FlowSchema", "spec": schema}),
    ):
        uid = plane.get(f"{schemas}/none")["metadata"]["uid"]
        plane.wait(lambda: flow_schema(plane) == uid, 30, "the flow schema is in force")
        taken.start()
        yield free
        free.set()
        taken.join()


def test_priority_and_fairness_that_lets_nothing_through_is_waited_for(sites, one_seat):
    plane, free = sites.server.plane, one_seat

    def refused():
        """The seat is free for a moment every half minute, when the webhook has to answer."""
        plane.wait(lambda: throttled(plane), 20, "requests of the product are throttled")
        sites.edit("g-a", {"spec": {"replicas": 0}})
        WorkKey.objects.filter(key=KEY).update(next_at=timezone.now(), requested=F("requested") + 1000)
        run(KEY)
        return WorkKey.objects.get(key=KEY).failures == 1

    plane.wait(refused, 75, "a reconcile is refused")
    row = WorkKey.objects.get(key=KEY)
    assert row.next_at > timezone.now()
    assert row.error == "the API server answered 429"
    free.set()
    plane.wait(lambda: not throttled(plane), 20, "requests pass again")
    all_ready(sites, "g-a", "g-b")
    assert sites.get("g-a")["spec"]["replicas"] == 1


DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def occupy(plane, free):
    """Hold the product's only seat, once it is to be had, until the event is set and the webhook answers."""
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "occupying"}, "spec": a_template()}
    while not free.wait(0.05):
        with contextlib.suppress(OSError), plane.open("POST", f"{DEPLOYMENTS}?dryRun=All", body, "product", seconds=60):
            pass


def flow_schema(plane):
    """The uid of the flow schema that a request of the product falls under."""
    with plane.open("GET", DEPLOYMENTS, user="product") as answer:
        return answer.headers["X-Kubernetes-PF-FlowSchema-UID"]


def throttled(plane):
    try:
        plane.request("GET", DEPLOYMENTS, user="product")
    except OSError as error:
        return getattr(error, "code", 0) == 429
    return False


@pytest.fixture
def dying(sites, monkeypatch):
    """Kill a component of the control plane when the product has made so many writes."""
    count, send = [0], Transport.open

    def arm(component, after):
        def open_(transport, method, path, **options):
            if method in ("PATCH", "POST", "DELETE"):
                count[0] += 1
                if count[0] == after:
                    sites.server.plane.processes[component].stop(signal.SIGKILL)
            return send(transport, method, path, **options)

        monkeypatch.setattr(Transport, "open", open_)

    return arm


@pytest.mark.parametrize(("component", "after"), [("kube-apiserver", 1), ("kube-apiserver", 3), ("etcd", 2)])
def test_a_control_plane_killed_in_a_reconcile_loses_and_doubles_nothing(sites, dying, component, after):
    from sgportal.actions import save_grids

    from ..world import ADA

    plane = sites.server.plane
    dying(component, after)
    save_grids([a_grid(template=a_template())], ADA)
    connection.cluster()._transport._read_seconds = 3
    run(KEY)
    plane.processes[component].start()
    plane.wait(lambda: plane.get("/readyz", raw=True), 30, "the API server is ready")
    WorkKey.objects.update(lease_until=None, next_at=timezone.now(), failures=0, queued=False)
    GridUnit.objects.update(next_at=None)
    sites.settle()
    all_ready(sites, "g-a", "g-b")
    assert sites.names() == ["g-a", "g-b"]
    assert sites.names("DeploymentGrid") == ["g"]


def test_a_compacted_history_leads_to_a_fresh_list(sites):
    with a_watch(sites.cluster):
        lists = sites.server.requests["GET", "nodes"]
        with sites.server.without_watches():
            set_zone(sites, "node2", "c")
        until(lambda: unit_of("node2") == "c")
        assert sites.server.requests["GET", "nodes"] > lists
        until(lambda: not ResourceSync.objects.exclude(failing_since=None).exists())
        set_zone(sites, "node2", "d")
        until(lambda: unit_of("node2") == "d")


def set_zone(world, node, unit):
    """Label a node and tell nobody."""
    world.cluster.patch("Node", "", node, {"metadata": {"labels": {"zone": unit}}}, MERGE_PATCH)


def test_a_namespace_that_goes_takes_its_grid_and_says_so_meanwhile(sites):
    plane = sites.server.plane
    namespace = {"metadata": {"name": "shop"}}
    plane.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", **namespace})
    grid = a_grid("till", template=a_template())
    grid["metadata"]["namespace"] = "shop"
    sites.save(grid)
    sites.until(lambda: sites.names(namespace="shop") == ["till-a", "till-b"])
    plane.request("DELETE", "/api/v1/namespaces/shop")
    plane.wait(lambda: not plane.get("/api/v1/namespaces/shop"), 60, "the namespace is gone")

    def is_said():
        again(sites)
        row = Grid.objects.filter(name="till").first()
        return row is None or row.deleting_since or "shop" in str(row.status)

    sites.until(is_said)


def test_a_node_that_is_lost_for_long_keeps_its_workload_and_comes_back(sites):
    plane = sites.server.plane
    tolerations = [
        {"key": f"node.kubernetes.io/{taint}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
        for taint in ("not-ready", "unreachable")
    ]
    sites.save(a_grid(template=a_template(tolerations=tolerations)))
    sites.until_ready("g-a", "g-b")
    uids = {name: sites.get(name)["metadata"]["uid"] for name in sites.names()}
    sites.server.set_node_ready("node0", None)
    pods = "/api/v1/namespaces/default/pods"

    def evicted():
        of_a = [each for each in plane.get(pods)["items"] if each["metadata"]["name"].startswith("g-a-")]
        return any(each["metadata"].get("deletionTimestamp") for each in of_a) and len(of_a) > 1

    plane.wait(evicted, 40, "the pod of the lost node is evicted and replaced")
    again(sites)
    assert said("a")[:2] == ("Offline", "NodesUnreachable")
    sites.server.set_node_ready("node0", True)
    all_ready(sites, "g-a", "g-b")
    assert {name: sites.get(name)["metadata"]["uid"] for name in sites.names()} == uids
