"""Living with SuperEdge: noticed, kept apart from, taken over from, and handed back to, without a pod restarting."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sgportal import actions
from sgportal.cluster import ReadOnly
from sgportal.core.names import CLOSURE, MANAGED_BY, SELECTOR, SERVICE_NAME, SLICE_MANAGER
from sgportal.core.superedge.controller import CONTROLLER, HASH_LABEL, its_entries
from sgportal.models import AuditEvent, Grid, ManagementMode
from sgportal.reconciler import label_jobs, takeover
from sgportal.reconciler.discovery import superedge
from sgportal.reconciler.grids.resource import sync
from sgportal.reconciler.process import connection

from ..world import ADA, a_grid, a_template, seed
from .superedge_stand_in import SuperEdge

# What moves where the portal closes a Service's loop itself: its selector, into an annotation beside the mode.
CLOSING = {"/spec/selector", *(f"/metadata/annotations/{each.replace('/', '~1')}" for each in (SELECTOR, CLOSURE))}
UNITS = {"node0": "a", "node1": "b"}


@pytest.fixture
def edge(world):
    """Two units, SuperEdge's definitions and controller, a grid and a service with their children."""
    for node, unit in UNITS.items():
        world.label(node, zone=unit)
    edge = SuperEdge(world.cluster)
    edge.install(world)
    edge.start()
    edge.sync(a_grid(template=a_template(replicas=2)), "a", "b")
    edge.sync({**seed("servicegrid"), "spec": {**seed("servicegrid")["spec"], "gridUniqKey": "zone"}})
    watched(world)
    return edge


def watched(world):
    """What the watch does: look for SuperEdge first, then at everything."""
    superedge.note(superedge.look(connection.reading()))
    for kind in ("DeploymentGrid", "StatefulSetGrid", "ServiceGrid"):
        for body in world.cluster.list(kind).items:
            sync.observe(kind, "default", body["metadata"]["name"], body)
    world.look()
    world.resync()


def stopped(world, edge):
    """Scale SuperEdge to nothing and let its pods go."""
    edge.scale(0)
    world.until(lambda: not world.get(CONTROLLER, namespace="edge-system").get("status", {}).get("replicas"))


def children(world):
    """Everything that must not change: uid, generation, spec and owner of each workload, uid, address and owner of each
    Service (how its loop is closed may), and the pods."""
    found = {}
    for name in world.names():
        body = world.get(name)
        found[name] = [body["metadata"]["generation"], body["metadata"]["uid"], body["spec"], owners(body)]
    for name in set(world.names("Service")) - {"kubernetes"}:
        body = world.get(name, "Service")
        found[name] = [body["metadata"]["uid"], body["spec"]["clusterIP"], body["spec"]["ports"], owners(body)]
    pods = sorted(each["metadata"]["uid"] for each in world.cluster.list("Pod", "default").items)
    return found, pods


def owners(body):
    return body["metadata"].get("ownerReferences")


def versions(world):
    """What any write of anybody would change, by object."""
    kinds = ("Deployment", "Service", "DeploymentGrid", "ServiceGrid", "CustomResourceDefinition")
    return {
        (kind, each["metadata"]["name"]): [each["metadata"].get("generation"), writers(each)]
        for kind in kinds
        for each in world.cluster.list(kind, "default" if kind != "CustomResourceDefinition" else "").items
    }


def writers(body):
    return sorted({entry["manager"] for entry in body["metadata"].get("managedFields") or ()})


def until_pods_run(world, count=4):
    """Wait for the pods of the two Deployments."""

    def running():
        pods = world.cluster.list("Pod", "default").items
        return len(pods) == count and all(each["status"].get("phase") == "Running" for each in pods)

    world.until(running)


def refusal(action):
    with pytest.raises(actions.Refused) as caught:
        action()
    return str(caught.value.sentence)


def test_beside_a_running_controller_everything_is_shown_and_nothing_written(world, edge):
    row = ManagementMode.now()
    assert (row.mode, row.decided_by, row.running) == ("read-only", "", True)
    assert row.cure == ["kubectl --namespace edge-system scale deployment application-grid-controller --replicas=0"]
    grid = Grid.objects.get(kind="DeploymentGrid")
    assert (grid.home, grid.units.count()) == ("cluster", 2)
    before = versions(world)
    world.label("node2", zone="c")
    world.cluster.delete("Deployment", "default", "g-a")
    world.resync()
    after = versions(world)
    assert after == {key: value for key, value in before.items() if key != ("Deployment", "g-a")}
    assert not any("sgportal" in writers for _, writers in after.values())
    assert world.cluster.list("Event", "default", field_selector="reportingComponent=sgportal").items == []
    assert AuditEvent.objects.get(verb="stop").actor == "sgportal"


def test_writes_of_intent_are_refused_with_the_cure_and_previews_are_not(world, edge):
    grid = Grid.objects.get(kind="DeploymentGrid")
    said = refusal(lambda: actions.save_grids([a_grid("other", template=a_template())], ADA))
    assert "scale deployment application-grid-controller --replicas=0" in said
    assert refusal(lambda: actions.delete_grid(grid, ADA)) == said
    assert refusal(lambda: actions.label_nodes(["node0"], {"x": "y"}, ADA)) == said
    assert refusal(lambda: actions.label_node("node0", {"x": "y"}, ADA)) == said
    assert refusal(lambda: actions.recreate_unit(grid, "a", ADA)) == said
    preview = actions.save_grids([a_grid("other", template=a_template())], ADA, dry_run=True)
    assert len(preview[0].plan.steps) == 2
    assert not Grid.objects.filter(name="other").exists()


def test_every_action_is_guarded_or_changes_no_intent_for_the_cluster():
    stewardship = {"take_over", "hand_back", "upgrade_definitions", "decide"}
    access = {"issue_token", "revoke_token", "scopes_of", "note_access", "note_log_in"}
    access |= {"issue_service_token", "revoke_service_token"}
    access |= {"add_second_factor", "remove_second_factor", "renew_recovery_codes", "reset_second_factor"}
    access |= {"approve_request", "refuse_request"}  # the action itself is guarded
    access |= {"save_view", "remove_view", "add_favourite", "remove_favourite"}
    access |= {"add_channel", "remove_channel", "try_channel"}
    access |= {"check_role", "give_role", "take_back", "reseal_secrets"}
    access |= {"run_command"}  # in a pod that is there; it changes no object
    around = {"as_planned"}  # a write that an action makes within it is that action's
    doing = {name for name in {*actions.__all__} - around if callable(getattr(actions, name)) and name.islower()}
    assert {name for name in doing if not getattr(getattr(actions, name), "intent", False)} == stewardship | access


def test_no_write_gets_past_a_reading_connection(world, edge):
    cluster = connection.cluster()
    metadata = {"name": "new", "namespace": "default"}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    with pytest.raises(ReadOnly):
        cluster.apply(body)
    with pytest.raises(ReadOnly):
        cluster.patch("Node", "", "node0", {}, "application/merge-patch+json")
    with pytest.raises(ReadOnly):
        cluster.delete("Node", "", "node0")
    assert cluster.apply(body, dry_run=True)
    assert world.cluster.get("Service", "default", "new") is None
    with pytest.raises(label_jobs.NodeRefused):
        label_jobs.write("node0", {"x": "y"})


def test_taking_over_is_refused_while_the_controller_runs(world, edge):
    said = refusal(lambda: actions.take_over(ADA))
    assert "edge-system/application-grid-controller" in said
    assert "--replicas=0" in said
    assert ManagementMode.now().read_only


def test_taking_over_restarts_no_pod_and_edits_no_spec(world, edge):
    until_pods_run(world)
    stopped(world, edge)
    world.resync()
    preview = actions.take_over(ADA, dry_run=True)
    assert preview.refusal is None
    assert {step.kind for _, step in preview.steps} <= {"Service"}
    assert {change.path for _, step in preview.steps for change in step.changes} <= CLOSING
    before = children(world)
    actions.take_over(ADA)
    world.settle()
    world.resync()
    assert children(world) == before
    row = ManagementMode.now()
    assert (row.mode, row.decided_by, row.forced) == ("managing", "ada", False)
    assert AuditEvent.objects.get(verb="take-over").actor == "ada"
    for name, kind in (("g-a", "Deployment"), ("g-b", "Deployment"), ("servicegrid-demo-svc", "Service")):
        body = world.get(name, kind)
        assert its_entries(body["metadata"]) == []
        assert "sgportal" in writers(body)
    spec = world.get("g", "DeploymentGrid")["spec"]
    assert HASH_LABEL in spec["template"]["template"]["metadata"]["labels"]


def test_after_the_take_over_a_field_that_leaves_the_grid_leaves_the_children(world, edge):
    stopped(world, edge)
    actions.take_over(ADA)
    world.settle()
    grid = Grid.objects.get(kind="DeploymentGrid")
    world.change(grid, lambda m: m["spec"]["template"]["template"]["spec"]["containers"][0].update(image="img:2"))
    body = world.get("g-a")
    assert body["spec"]["template"]["spec"]["containers"][0]["image"] == "img:2"
    world.change(grid, lambda m: m.setdefault("metadata", {}).update(labels={"team": "x"}))
    assert world.get("g-a")["metadata"]["labels"]["team"] == "x"
    world.change(grid, lambda m: m["metadata"].pop("labels"))
    assert "team" not in world.get("g-a")["metadata"]["labels"]


def test_a_take_over_that_would_restart_pods_says_so_and_needs_force(world, edge):
    world.edit("g-a", {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "by-hand"}]}}}})
    stopped(world, edge)
    world.resync()
    said = refusal(lambda: actions.take_over(ADA))
    assert "g-a" in said
    assert "image" in said
    preview = actions.take_over(ADA, dry_run=True)
    assert [step.name for _, step in preview.steps if step.kind != "Service"] == ["g-a"]
    actions.take_over(ADA, force=True)
    world.settle()
    assert world.get("g-a")["spec"]["template"]["spec"]["containers"][0]["image"] != "by-hand"


def test_a_forced_take_over_holds_until_the_controller_is_gone_and_comes_back(world, edge):
    actions.take_over(ADA, force=True)
    world.settle()
    watched(world)
    assert (ManagementMode.now().mode, ManagementMode.now().forced) == ("managing", True)
    stopped(world, edge)
    watched(world)
    assert (ManagementMode.now().mode, ManagementMode.now().forced) == ("managing", False)
    edge.scale(1)
    watched(world)
    assert ManagementMode.now().mode == "read-only"


def test_that_the_controller_stops_changes_nothing_by_itself(world, edge):
    stopped(world, edge)
    watched(world)
    row = ManagementMode.now()
    assert (row.mode, row.running) == ("read-only", False)
    assert "take over" in refusal(lambda: actions.save_grids([a_grid("n", template=a_template())], ADA))


@pytest.mark.parametrize("kind", ["Lease", "ConfigMap"])
def test_a_held_lock_is_a_running_controller(world, kind):
    edge = SuperEdge(world.cluster)
    edge.lock(kind, datetime.now(UTC) - timedelta(minutes=10))
    assert not superedge.note(superedge.look(world.cluster)).running
    edge.lock(kind)
    verdict = superedge.note(superedge.look(world.cluster))
    assert verdict.running
    assert str(verdict.evidence[0]) == f"its leader lock {kind} kube-system/{CONTROLLER} is being renewed"


def test_a_lock_that_moves_is_held_whatever_the_clocks_say(world):
    edge, long_ago = SuperEdge(world.cluster), datetime.now(UTC) - timedelta(hours=3)
    edge.lock("Lease", long_ago)
    assert not superedge.note(superedge.look(world.cluster)).running
    edge.lock("Lease", long_ago + timedelta(seconds=2))
    assert superedge.note(superedge.look(world.cluster)).running


def test_what_a_controller_elsewhere_writes_gives_it_away(world):
    edge = SuperEdge(world.cluster)
    world.label("node0", zone="a")
    sight = superedge.look(world.cluster)
    assert not superedge.note(sight).running
    edge.sync(a_grid(template=a_template()), "a")
    wrote = superedge.latest_write([world.get("g-a"), world.get("g", "DeploymentGrid")])
    verdict = superedge.note(sight, wrote)
    assert verdict.running
    assert verdict.cure == ()
    assert ManagementMode.now().read_only


def test_a_cluster_without_superedge_is_managed_without_asking(world):
    superedge.note(superedge.look(world.cluster))
    row = ManagementMode.now()
    assert (row.mode, row.running, row.evidence) == ("managing", False, [])
    assert row.version.startswith("v1.")
    assert [(each["maker"], each["findings"]) for each in row.definitions] == [("sgportal", [])] * 3


def test_its_definitions_are_seen_for_what_they_drop(world, edge):
    found = {each["kind"]: each for each in ManagementMode.now().definitions}
    assert {each["maker"] for each in found.values()} == {"superedge"}
    assert not any(each["status"] for each in found.values())
    said = [each["id"] for each in found["StatefulSetGrid"]["findings"]]
    assert len(said) == 4
    assert any("volumeClaimTemplates" in each for each in said)
    assert len(found["ServiceGrid"]["findings"]) == 2


def test_definitions_are_replaced_on_request_and_every_grid_stays(world, edge):
    assert "--replicas=0" in refusal(lambda: actions.upgrade_definitions(ADA))
    stopped(world, edge)
    assert "take over" in refusal(lambda: actions.upgrade_definitions(ADA))
    actions.take_over(ADA)
    world.settle()
    uids = {each["metadata"]["uid"] for each in world.cluster.list("DeploymentGrid").items}
    before = children(world)
    actions.upgrade_definitions(ADA)
    world.settle()
    task = ManagementMode.now().task
    assert (task["state"], task["lines"][0]["id"]) == (
        "done",
        "the portal's CRDs are installed; all grids are kept",
    )
    assert {each["metadata"]["uid"] for each in world.cluster.list("DeploymentGrid").items} == uids
    assert children(world) == before
    assert [(each["maker"], each["findings"]) for each in ManagementMode.now().definitions] == [("sgportal", [])] * 3
    definition = world.get("deploymentgrids.superedge.io", "CustomResourceDefinition", "")
    assert its_entries(definition["metadata"]) == []
    world.resync()
    assert world.get("g", "DeploymentGrid")["status"]["totalUnits"] == 2


def test_handing_back_leaves_everything_as_superedge_wants_it_and_then_nothing_is_written(world, edge):
    until_pods_run(world)
    stopped(world, edge)
    actions.take_over(ADA)
    world.settle()
    before = children(world)
    actions.hand_back(ADA)
    assert "handed back" in refusal(lambda: actions.save_grids([a_grid("n", template=a_template())], ADA))
    world.settle()
    row = ManagementMode.now()
    assert (row.mode, row.decided_by, row.task["state"]) == ("read-only", "ada", "done")
    assert row.task["commands"] == [
        "kubectl --namespace edge-system scale deployment application-grid-controller --replicas=1"
    ]
    assert children(world) == before
    versions_before = versions(world)
    world.label("node2", zone="c")
    world.resync()
    assert versions(world) == versions_before
    edge.scale(1)
    watched(world)
    assert ManagementMode.now().read_only
    assert "already read-only" in refusal(lambda: actions.hand_back(ADA))


def test_handing_back_says_which_grids_superedge_will_restart(world, edge):
    stopped(world, edge)
    actions.take_over(ADA)
    world.save(a_grid("ours", template=a_template(app="ours")))
    actions.hand_back(ADA)
    world.settle()
    said = [line["params"].get("grids", "") for line in ManagementMode.now().task["lines"]]
    assert "deploymentgrids/default/ours" in said
    assert not any("default/g" in text.split(", ") for text in said)


@pytest.mark.parametrize("closure", [None, {"mode": "strict"}])
def test_handing_back_gives_a_service_its_selector_back_and_then_takes_our_slices_away(world, edge, closure):
    """As the portal leaves a Service whose EndpointSlices it writes: the selector stands in an annotation."""
    stopped(world, edge)
    actions.take_over(ADA)
    world.settle()
    selector = Grid.objects.get(kind="ServiceGrid").spec["template"]["selector"]
    manages_slices = {SELECTOR: json.dumps(selector), CLOSURE: "strict"}
    patch = {"metadata": {"annotations": {**manages_slices, "topologyKeys": None}}, "spec": {"selector": None}}
    world.edit("servicegrid-demo-svc", patch, "Service")
    world.cluster.apply(a_slice("servicegrid-demo-svc"))
    if closure:
        row = Grid.objects.get(kind="ServiceGrid")
        Grid.objects.filter(pk=row.pk).update(spec={**row.spec, "closure": closure})
    actions.hand_back(ADA)
    world.settle()
    service = world.get("servicegrid-demo-svc", "Service")
    assert ManagementMode.now().task["state"] == "done"
    assert service["spec"]["selector"] == selector
    assert service["metadata"]["annotations"]["topologyKeys"] == '["zone"]'
    assert not manages_slices.keys() & service["metadata"]["annotations"].keys()
    assert world.cluster.list("EndpointSlice", "default", label_selector=f"{MANAGED_BY}={SLICE_MANAGER}").items == []
    said = [line["id"] for line in ManagementMode.now().task["lines"]]
    assert any("spec.closure" in each for each in said) == bool(closure)


def a_slice(service):
    """An EndpointSlice of ours."""
    label_jobs = {SERVICE_NAME: service, MANAGED_BY: SLICE_MANAGER}
    metadata = {"name": f"{service}-ours", "namespace": "default", "labels": label_jobs}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [],
        "ports": [],
    }


@pytest.mark.embedded_only
def test_a_hand_back_that_is_cut_off_goes_on_later(world, edge):
    stopped(world, edge)
    actions.take_over(ADA)
    world.settle()
    actions.hand_back(ADA)
    world.embedded.faults.add("status", code=503, count=1000)
    world.settle()
    assert ManagementMode.now().handing_back
    world.embedded.faults.clear()
    world.later(600)
    assert ManagementMode.now().read_only


@pytest.mark.embedded_only
def test_a_refused_task_says_why_and_we_manage_on(world, edge):
    stopped(world, edge)
    actions.take_over(ADA)
    world.settle()
    actions.hand_back(ADA)
    world.embedded.faults.add("status", code=403, resource="endpointslices", count=1000)
    world.settle()
    row = ManagementMode.now()
    assert (row.mode, row.task["state"]) == ("managing", "failed")
    assert "the cluster refuses" in row.task["lines"][0]["id"]


def test_a_task_that_nobody_asked_for_does_nothing(world):
    takeover.run(takeover.HAND_BACK)
    assert ManagementMode.now().mode == "managing"
