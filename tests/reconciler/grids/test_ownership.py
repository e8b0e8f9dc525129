"""Whose a field is: what a template leaves out is others' affair once the child is there, what it sets is healed with
the name of whoever changed it, and where somebody changes it back again and again, or admission does, we stop."""

import copy

import pytest

from sgportal.cluster import JSON_PATCH
from sgportal.core.plans.contest import RETRY_SECONDS, TRIES
from sgportal.models import GridEvent, GridUnit
from sgportal.queries.plans import plan_json, plan_of
from sgportal.reconciler import sweep

from ..admission import changing
from ..world import APPLY, a_grid, a_template

C = "spec.template.spec.containers"
POD = "/spec/template/spec"


@pytest.fixture
def site(world):
    """One unit, `a`."""
    world.label("node0", zone="a")
    return world


def replicas(world, name="g-a", kind="Deployment"):
    return world.get(name, kind)["spec"]["replicas"]


def container(world, name="g-a"):
    return world.get(name)["spec"]["template"]["spec"]["containers"][0]


def template_container(manifest):
    return manifest["spec"]["template"]["template"]["spec"]["containers"][0]


def told(grid, unit="a"):
    """The notes of a unit: on its row, and the same in the status that REST and kubectl show."""
    row = {reason: str(sentence) for reason, sentence in GridUnit.objects.get(grid=grid, name=unit).told}
    grid.refresh_from_db()
    shown = next((each for each in grid.status["units"] if each["name"] == unit), {})
    assert row == {each["reason"]: each["message"] for each in shown.get("notes", [])}
    return row


def state(grid, unit="a"):
    row = GridUnit.objects.get(grid=grid, name=unit)
    return row.state, row.reason


def updates(grid):
    events = GridEvent.objects.filter(path=grid.path, reason="Updated").order_by("pk")
    return [str(each.sentence) for each in events for _ in range(each.count)]


def planned(grid):
    grid.refresh_from_db()
    shown = plan_json(plan_of(grid))
    return shown["steps"], {each["reason"]: each["message"] for each in shown["findings"] + shown["notes"]}


def writes(world):
    """How often children were written since the counts were reset."""
    return sum(
        count
        for (method, plural), count in world.server.requests.items()
        if plural == "deployments" and method in WRITES
    )


WRITES = ("POST", "PUT", "PATCH", "DELETE")


def ours(world, name="g-a", kind="Deployment"):
    """The fields that managedFields say are the portal's."""
    entries = world.get(name, kind)["metadata"]["managedFields"]
    return [each["fieldsV1"] for each in entries if each["manager"] == "sgportal" and not each.get("subresource")]


def owns(fields, *steps):
    for step in steps:
        if step not in fields:
            return False
        fields = fields[step]
    return True


@pytest.mark.parametrize("by", ["kubectl", "kube-controller-manager", "keda-operator"])
def test_whoever_scales_a_child_whose_template_has_no_replicas_is_left_alone_and_shown(site, by):
    grid = site.save(a_grid(template=a_template(replicas=None)))
    assert replicas(site) == 1
    site.scale("g-a", 4, by=by)
    site.until_ready("g-a")
    assert replicas(site) == 4
    assert not any(owns(each, "f:spec", "f:replicas") for each in ours(site))
    assert (updates(grid), planned(grid)[0], state(grid)) == ([], [], ("Ready", "AllReady"))
    assert "to 4" in told(grid)["Scaled"]
    assert by in told(grid)["Scaled"]
    assert told(grid)["Scaled"] == planned(grid)[1]["Scaled"]
    assert site.get("g", "DeploymentGrid")["status"]["units"][0]["notes"][0]["reason"] == "Scaled"
    row = GridUnit.objects.get(grid=grid, name="a")
    assert (row.desired, row.ready) == (4, 4)


def test_a_hand_scaled_child_keeps_its_number_through_an_update_of_something_else(site):
    grid = site.save(a_grid(template=a_template(replicas=None)))
    site.scale("g-a", 4)
    site.change(grid, lambda m: template_container(m).update(image="img:2", args=["x"]))
    assert (replicas(site), container(site)["image"], container(site)["args"]) == (4, "img:2", ["x"])


@pytest.mark.parametrize("scaled", [False, True])
def test_replicas_taken_out_of_a_template_are_handed_over_and_not_reset(site, scaled):
    grid = site.save(a_grid(template=a_template(replicas=3)))
    if scaled:
        site.scale("g-a", 5)
        site.resync()
        assert replicas(site) == 3
    site.change(grid, lambda m: m["spec"]["template"].pop("replicas"))
    assert (replicas(site), told(grid)["Scaled"]) == (3, "it has 3 replicas from before; the grid leaves that alone")
    site.change(grid, lambda m: template_container(m).update(args=["w"]))
    assert (replicas(site), container(site)["args"]) == (3, ["w"])
    site.scale("g-a", 2)
    site.change(grid, lambda m: template_container(m).update(args=["x"]))
    site.resync()
    assert (replicas(site), container(site)["args"]) == (2, ["x"])


def test_replicas_put_back_into_a_template_are_the_grids_again(site):
    grid = site.save(a_grid(template=a_template(replicas=None)))
    site.scale("g-a", 4)
    site.resync()
    site.change(grid, lambda m: m["spec"]["template"].update(replicas=2))
    assert replicas(site) == 2
    site.scale("g-a", 6)
    site.resync()
    assert replicas(site) == 2
    assert "drift: kubectl changed spec.replicas" in updates(grid)[-1]


def test_the_same_for_a_stateful_set(site):
    manifest = a_grid(template={**a_template(replicas=None), "serviceName": "s"})
    manifest["kind"] = "StatefulSetGrid"
    grid = site.save(manifest)
    site.scale("g-a", 3, kind="StatefulSet")
    site.resync()
    assert replicas(site, kind="StatefulSet") == 3
    assert "to 3" in told(grid)["Scaled"]


LEFT_OUT = [
    ("containers/0/env", [{"name": "X", "value": "1"}], f'{C}[name="c"].env'),
    ("containers/0/resources", {"limits": {"cpu": "9"}}, f'{C}[name="c"].resources'),
    ("tolerations", [{"key": "k", "operator": "Exists"}], "spec.template.spec.tolerations"),
    ("terminationGracePeriodSeconds", 7, "spec.template.spec.terminationGracePeriodSeconds"),
]


@pytest.mark.parametrize(("place", "value", "name"), LEFT_OUT, ids=[each[0] for each in LEFT_OUT])
def test_what_a_template_leaves_out_is_left_to_whoever_sets_it(site, place, value, name):
    grid = site.save(a_grid(template=a_template()))
    site.edit("g-a", [{"op": "add", "path": f"{POD}/{place}", "value": value}], content_type=JSON_PATCH)
    before = site.get("g-a")["spec"]
    site.resync()
    assert site.get("g-a")["spec"] == before
    assert updates(grid) == []
    assert name in told(grid)["SetByOthers"]
    assert "kubectl-edit" in told(grid)["SetByOthers"]
    site.change(grid, lambda m: template_container(m).update(args=["x"]))
    after = site.get("g-a")["spec"]
    after["template"]["spec"]["containers"][0].pop("args")
    assert after == before


FULL = a_template()
FULL["template"]["spec"] |= {
    "tolerations": [{"key": "site", "operator": "Exists"}],
    "volumes": [{"name": "v", "emptyDir": {}}],
}
FULL["template"]["spec"]["containers"][0] |= {
    "env": [{"name": "A", "value": "1"}],
    "resources": {"limits": {"cpu": "1"}},
    "ports": [{"containerPort": 80}],
    "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
}
DRIFT = {
    "image": [{"op": "replace", "path": f"{POD}/containers/0/image", "value": "evil"}],
    "replicas": [{"op": "replace", "path": "/spec/replicas", "value": 7}],
    "env": [{"op": "replace", "path": f"{POD}/containers/0/env/0/value", "value": "2"}],
    "env-added": [{"op": "add", "path": f"{POD}/containers/0/env/-", "value": {"name": "B", "value": "2"}}],
    "limits": [{"op": "add", "path": f"{POD}/containers/0/resources/limits/memory", "value": "1Gi"}],
    "ports": [{"op": "add", "path": f"{POD}/containers/0/ports/-", "value": {"containerPort": 81}}],
    "containers": [{"op": "add", "path": f"{POD}/containers/-", "value": {"name": "x", "image": "y"}}],
    "tolerations": [{"op": "add", "path": f"{POD}/tolerations/-", "value": {"key": "k", "operator": "Exists"}}],
    "nodeSelector": [{"op": "add", "path": f"{POD}/nodeSelector/disk", "value": "ssd"}],
    "volumes": [
        {"op": "remove", "path": f"{POD}/volumes/0/emptyDir"},
        {"op": "add", "path": f"{POD}/volumes/0/configMap", "value": {"name": "theirs"}},
    ],
    "livenessProbe": [
        {"op": "remove", "path": f"{POD}/containers/0/livenessProbe/httpGet"},
        {"op": "add", "path": f"{POD}/containers/0/livenessProbe/exec", "value": {"command": ["true"]}},
    ],
    "strategy": [{"op": "replace", "path": "/spec/strategy", "value": {"type": "Recreate"}}],
}


@pytest.mark.parametrize("field", DRIFT)
def test_what_a_template_sets_is_healed_with_the_manager_named(site, field):
    strategy = {"type": "RollingUpdate"}
    grid = site.save(
        a_grid(template={**copy.deepcopy(FULL), **({"strategy": strategy} if field == "strategy" else {})})
    )
    before = site.get("g-a")["spec"]
    site.edit("g-a", DRIFT[field], content_type=JSON_PATCH)
    assert site.get("g-a")["spec"] != before
    site.resync()
    assert site.get("g-a")["spec"] == before
    (update,) = updates(grid)
    assert "drift: kubectl-edit changed" in update
    assert field.partition("-")[0] in update
    site.server.reset_counts()
    site.resync()
    assert writes(site) == 0


def test_what_somebody_takes_away_comes_back(site):
    grid = site.save(a_grid(template=copy.deepcopy(FULL)))
    before = site.get("g-a")["spec"]
    site.edit("g-a", [{"op": "remove", "path": f"{POD}/containers/0/livenessProbe"}], content_type=JSON_PATCH)
    site.resync()
    assert site.get("g-a")["spec"] == before
    assert "livenessProbe" in updates(grid)[0]


def test_a_deployment_becomes_recreate_although_the_server_filled_in_the_other_strategy(site):
    grid = site.save(a_grid(template=a_template()))
    site.change(grid, lambda m: m["spec"]["template"].update(strategy={"type": "Recreate"}))
    assert site.get("g-a")["spec"]["strategy"] == {"type": "Recreate"}
    assert state(grid)[0] != "Blocked"


def test_what_leaves_the_template_leaves_the_child_though_others_changed_some_of_it(site):
    grid = site.save(a_grid(template=copy.deepcopy(FULL)))
    probe = f"{POD}/containers/0/livenessProbe/periodSeconds"
    site.edit("g-a", [{"op": "add", "path": probe, "value": 99}], content_type=JSON_PATCH)
    drop = ("livenessProbe", "env", "resources")
    site.change(grid, lambda m: [template_container(m).pop(each) for each in drop])
    assert not {"livenessProbe", "env"} & container(site).keys()
    assert not container(site).get("resources")


def test_what_leaves_the_template_stays_where_another_manager_applied_it_too(site):
    grid = site.save(a_grid(template=copy.deepcopy(FULL)))
    env = {"name": "c", "env": [{"name": "A", "value": "1"}]}
    theirs = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [env]}}}}
    site.edit("g-a", {**theirs, "metadata": {"name": "g-a"}}, content_type=APPLY, by="gitops")
    site.change(grid, lambda m: template_container(m).pop("env"))
    assert container(site)["env"] == [{"name": "A", "value": "1"}]
    assert "gitops" in told(grid)["SetByOthers"]


IMAGE = f'{C}[name="c"].image'
THEIRS = [{"op": "replace", "path": f"{POD}/containers/0/image", "value": "theirs"}]
BY_PATH = [{"jsonPointers": ["/spec/template/spec/containers/0/image"]}]
BY_NAME = [{"fieldPaths": [IMAGE]}]
BY_MANAGER = [{"managers": ["kubectl-edit"]}]
BY_BOTH = [{"managers": ["kubectl-edit"], "fieldPaths": ["spec.template.spec.containers[*].image"]}]


@pytest.mark.parametrize("ignored", [BY_PATH, BY_NAME, BY_MANAGER, BY_BOTH], ids=["pointer", "path", "manager", "both"])
def test_ignore_differences_leaves_what_is_written(site, ignored):
    grid = site.save(a_grid(template=a_template(replicas=2), ignoreDifferences=ignored))
    assert container(site)["image"] == "img:1"
    site.edit(
        "g-a", [{"op": "replace", "path": f"{POD}/containers/0/image", "value": "theirs"}], content_type=JSON_PATCH
    )
    site.resync()
    assert container(site)["image"] == "theirs"
    assert "image" in told(grid)["IgnoredDifference"]
    assert "kubectl-edit" in told(grid)["IgnoredDifference"]
    site.scale("g-a", 5)
    site.change(grid, lambda m: template_container(m).update(args=["x"]))
    assert (container(site)["image"], container(site)["args"], replicas(site)) == ("theirs", ["x"], 2)
    site.server.reset_counts()
    site.resync()
    assert writes(site) == 0


def test_ignore_differences_by_manager_is_about_that_manager_only(site):
    grid = site.save(a_grid(template=a_template(replicas=2), ignoreDifferences=[{"managers": ["keda-operator"]}]))
    site.scale("g-a", 4, by="keda-operator")
    site.resync()
    assert replicas(site) == 4
    site.scale("g-a", 6, by="kubectl")
    site.resync()
    assert replicas(site) == 2
    assert "drift: kubectl changed spec.replicas" in updates(grid)[-1]


def test_what_is_no_longer_ignored_is_the_grids_again(site):
    grid = site.save(a_grid(template=a_template(), ignoreDifferences=BY_PATH))
    site.edit(
        "g-a", [{"op": "replace", "path": f"{POD}/containers/0/image", "value": "theirs"}], content_type=JSON_PATCH
    )
    site.resync()
    site.change(grid, lambda m: m["spec"].pop("ignoreDifferences"))
    assert container(site)["image"] == "img:1"


def fight(world, grid, rounds, by="image-updater"):
    """Somebody sets the image back each time; how often we set it."""
    ours = 0
    for _ in range(rounds):
        world.edit("g-a", THEIRS, content_type=JSON_PATCH, by=by)
        world.resync()
        ours += container(world)["image"] == "img:1"
    return ours


def test_a_controller_that_changes_a_field_back_is_not_fought_for_ever(site):
    grid = site.save(a_grid(template=a_template()))
    assert fight(site, grid, TRIES + 4) == TRIES
    assert state(grid) == ("Degraded", "Contested")
    sentence = str(GridUnit.objects.get(grid=grid, name="a").sentence)
    assert f"image-updater changes {IMAGE} back" in sentence
    steps, findings = planned(grid)
    assert (steps, findings["Contested"]) == ([], sentence)
    conditions = {each["type"]: each for each in site.get("g", "DeploymentGrid")["status"]["conditions"]}
    assert (conditions["Contested"]["status"], conditions["Ready"]["status"]) == ("True", "False")
    assert conditions["Contested"]["message"] == f"1 of 1 units, first a: {sentence}"
    assert len(updates(grid)) == TRIES
    assert GridEvent.objects.filter(reason="Contested", unit="a", type="Warning").count() == 1
    site.server.reset_counts()
    for _ in range(5):
        site.resync()
    assert writes(site) == 0
    assert len(updates(grid)) == TRIES


def test_a_contested_field_is_left_as_it_is_by_the_next_update_and_everything_else_is_not(site):
    grid = site.save(a_grid(template=a_template()))
    fight(site, grid, TRIES + 1)
    site.change(grid, lambda m: m["spec"]["template"].update(replicas=2))
    site.change(grid, lambda m: template_container(m).update(args=["x"]))
    assert (container(site)["image"], container(site)["args"], replicas(site)) == ("theirs", ["x"], 2)
    site.change(grid, lambda m: template_container(m).update(image="img:2"))
    assert container(site)["image"] == "img:2"


def test_what_is_contested_is_not_said_to_be_left_alone_too(site):
    ignored = [{"managers": ["keda-operator"]}]
    grid = site.save(a_grid(template=a_template(replicas=1), ignoreDifferences=ignored))
    for _ in range(TRIES + 2):
        site.scale("g-a", 4, by="robot")
        site.edit("g-a", THEIRS, content_type=JSON_PATCH, by="robot")
        site.resync()
    site.until_ready("g-a")
    assert state(grid) == ("Degraded", "Contested")
    assert (replicas(site), container(site)["image"]) == (4, "theirs")
    steps, findings = planned(grid)
    assert steps == []
    assert findings.keys() == {"Contested"}
    assert told(grid) == {}


def test_a_contested_field_is_tried_again_seldom_and_ends_when_it_keeps(site):
    grid = site.save(a_grid(template=a_template()))
    fight(site, grid, TRIES + 1)
    pass_time(site, RETRY_SECONDS + 1)
    assert container(site)["image"] == "img:1"
    assert GridEvent.objects.filter(reason="Retried", unit="a").count() == 1
    assert fight(site, grid, 2) == 0
    assert state(grid) == ("Degraded", "Contested")
    pass_time(site, RETRY_SECONDS + 1)
    site.until_ready("g-a")
    assert (container(site)["image"], state(grid)) == ("img:1", ("Ready", "AllReady"))
    assert all(each["type"] != "Contested" for each in site.get("g", "DeploymentGrid")["status"]["conditions"])
    assert len(updates(grid)) == TRIES


def pass_time(world, seconds):
    """Let time pass for what is contested."""
    for row in GridUnit.objects.all():
        row.attempts = {name: {**each, "at": each["at"] - seconds} for name, each in row.attempts.items()}
        row.save()
    world.later(seconds)


def test_the_next_look_at_what_is_contested_is_far_away(site):
    from django.utils import timezone

    from sgportal.models import WorkKey

    grid = site.save(a_grid(template=a_template()))
    fight(site, grid, TRIES + 1)
    row = WorkKey.objects.get(key=grid.path)
    assert RETRY_SECONDS - 60 < (row.next_at - timezone.now()).total_seconds() <= RETRY_SECONDS


def test_a_sidecar_that_a_controller_puts_back_is_contested_too(site):
    grid = site.save(a_grid(template=a_template()))
    sidecar = [{"op": "add", "path": f"{POD}/containers/-", "value": {"name": "agent", "image": "y"}}]

    def contested():
        if len(site.get("g-a")["spec"]["template"]["spec"]["containers"]) == 1:
            site.edit("g-a", sidecar, content_type=JSON_PATCH, by="jaeger-operator")
        site.resync()
        return state(grid) == ("Degraded", "Contested")

    site.until(contested)
    assert f'jaeger-operator changes {C}[name="agent"] back' in planned(grid)[1]["Contested"]
    site.change(grid, lambda m: m["spec"].update(ignoreDifferences=[{"managers": ["jaeger-operator"]}]))
    site.until_ready("g-a")
    assert (state(grid), len(site.get("g-a")["spec"]["template"]["spec"]["containers"])) == (("Ready", "AllReady"), 2)


def replaced(path, value):
    return lambda body: [{"op": "replace", "path": path, "value": value}]


def added(path, value, where):
    """Add to a list once."""

    def mutation(body):
        entries = where(body)
        return None if value in entries else [{"op": "add", "path": path, "value": value}]

    return mutation


def pod_of(body):
    return body["spec"]["template"]["spec"]


def first_of(body):
    return pod_of(body)["containers"][0]


SIDECAR = {"name": "sidecar", "image": "s", "imagePullPolicy": "Always"}
ADMISSION = {
    "sidecar": lambda body: (
        None
        if any(each["name"] == "sidecar" for each in pod_of(body)["containers"])
        else [{"op": "add", "path": f"{POD}/containers/-", "value": SIDECAR}]
    ),
    "label": replaced("/metadata/labels/team", "x"),
    "limits": replaced(f"{POD}/containers/0/resources/limits/cpu", "2"),
    "unasked-limits": lambda body: [
        {"op": "add", "path": f"{POD}/containers/0/resources/limits/memory", "value": "1Gi"}
    ],
    "image": replaced(f"{POD}/containers/0/image", "mirror.example/img:1"),
    "env": added(
        f"{POD}/containers/0/env/-", {"name": "Z", "value": "1"}, lambda body: pod_of(body)["containers"][0]["env"]
    ),
    "toleration": added(
        f"{POD}/tolerations/-", {"key": "k", "operator": "Exists"}, lambda body: pod_of(body)["tolerations"]
    ),
}
ADDS = {"sidecar", "unasked-limits", "env", "toleration"}


@pytest.mark.parametrize("what", ADMISSION)
def test_what_admission_changes_is_told_once_and_never_fought(site, what, tmp_path):
    manifest = a_grid(template=copy.deepcopy(FULL))
    manifest["metadata"]["labels"] = {"team": "shop"}
    with changing(site, tmp_path, ADMISSION[what]):
        grid = site.save(manifest)
        site.until_ready("g-a")
        for _ in range(3):
            site.resync()
        before = site.get("g-a")["metadata"]
        site.server.reset_counts()
        for _ in range(5):
            site.resync()
        assert writes(site) == 0
        after = site.get("g-a")["metadata"]
        assert (after["generation"], after["resourceVersion"]) == (before["generation"], before["resourceVersion"])
        assert updates(grid) == []
        steps, findings = planned(grid)
        assert steps == []
        if what in ADDS:
            assert state(grid) == ("Ready", "AllReady")
            assert "admission" in findings["AddedAtAdmission"]
            assert findings.keys() == {"AddedAtAdmission"}
        else:
            assert state(grid) == ("Degraded", "Contested")
            assert "admission" in findings["Contested"]
            assert {"label": "team", "limits": "limits.cpu", "image": "image"}[what] in findings["Contested"]
        change = lambda m: template_container(m).update(args=["x"])  # noqa: E731
        site.change(grid, change)
        assert container(site)["args"] == ["x"]
        assert len(updates(grid)) == 1
        site.until_ready("g-a")
        site.resync()
        site.server.reset_counts()
        site.resync()
        assert writes(site) == 0


@pytest.mark.real_only
def test_the_webhooks_that_may_have_done_it_are_named(site, tmp_path):
    with changing(site, tmp_path, ADMISSION["image"]):
        grid = site.save(a_grid(template=a_template()))
        site.until_ready("g-a")
        site.resync()
        assert "it asks test" in planned(grid)[1]["Contested"]
        site.change(grid, lambda m: m["spec"].update(ignoreDifferences=BY_PATH))
        site.until_ready("g-a")
        assert (state(grid), planned(grid)[0]) == (("Ready", "AllReady"), [])


@pytest.mark.embedded_only
def test_a_webhook_that_has_gone_is_found_out_by_the_next_sweep(site, tmp_path):
    """Not only after an hour: nobody else changes the field any more."""
    with changing(site, tmp_path, ADMISSION["image"]):
        grid = site.save(a_grid(template=copy.deepcopy(FULL)))
        site.until_ready("g-a")
        site.resync()
        assert state(grid) == ("Degraded", "Contested")
    cell = GridUnit.objects.get(grid=grid, name="a")
    assert cell.attempts
    # The embedded cluster names nobody who may have done it.
    cell.attempts = {name: {**each, "suspects": ["test"]} for name, each in cell.attempts.items()}
    cell.save()
    sweep.begin()
    site.settle()
    assert container(site)["image"] == "img:1"
    site.until_ready("g-a")
    assert state(grid) == ("Ready", "AllReady")


def test_once_admission_no_longer_changes_it_the_field_is_the_grids_again(site, tmp_path):
    with changing(site, tmp_path, ADMISSION["image"]):
        grid = site.save(a_grid(template=copy.deepcopy(FULL)))
        site.resync()
        site.resync()
    assert state(grid)[1] in ("Contested", "RollingOut")
    pass_time(site, RETRY_SECONDS + 1)
    assert container(site)["image"] == "img:1"
    site.until_ready("g-a")
    assert state(grid) == ("Ready", "AllReady")


def a_service_grid(**template):
    manifest = a_grid("g", closure={"mode": "open"}, template={})
    ports = [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    manifest["spec"]["template"] = {"selector": {"app": "echo"}, "ports": ports, **template}
    return {**manifest, "kind": "ServiceGrid"}


def affinity(world):
    return world.get("g-svc", "Service")["spec"]["sessionAffinity"]


def service_is_contested(world, grid, who):
    """One value at every door."""
    assert state(grid, "") == ("Degraded", "Contested")
    sentence = str(GridUnit.objects.get(grid=grid, name="").sentence)
    assert who in sentence
    assert "spec.sessionAffinity" in sentence
    steps, findings = planned(grid)
    assert (steps, findings["Contested"]) == ([], sentence)
    shown = {each["type"]: each for each in world.get("g", "ServiceGrid")["status"]["conditions"]}
    assert (shown["Ready"]["status"], shown["Ready"]["reason"]) == ("False", "Contested")
    assert (shown["Contested"]["status"], shown["Contested"]["message"]) == ("True", sentence)
    assert grid.state == "Degraded"


def test_a_controller_that_changes_a_service_back_is_not_fought_for_ever(site):
    grid = site.save(a_service_grid(sessionAffinity="ClientIP"))
    ours = 0
    for _ in range(TRIES + 3):
        site.edit("g-svc", {"spec": {"sessionAffinity": "None"}}, "Service", by="mesh-operator")
        site.resync()
        ours += affinity(site) == "ClientIP"
    assert ours == len(updates(grid)) == TRIES
    service_is_contested(site, grid, "mesh-operator changes")
    site.edit("g-svc", {"spec": {"sessionAffinity": "ClientIP"}}, "Service", by="mesh-operator")
    pass_time(site, RETRY_SECONDS + 1)
    assert state(grid, "") == ("Ready", "ServiceExists")


def test_what_admission_changes_of_a_service_is_told_and_never_fought(site, tmp_path):
    def none(body):
        if body["metadata"]["name"] == "g-svc" and body["spec"].get("sessionAffinity") == "ClientIP":
            return [
                {"op": "replace", "path": "/spec/sessionAffinity", "value": "None"},
                {"op": "remove", "path": "/spec/sessionAffinityConfig"},
            ][: 1 + ("sessionAffinityConfig" in body["spec"])]
        return None

    with changing(site, tmp_path, none, plural="services"):
        grid = site.save(a_service_grid(sessionAffinity="ClientIP"))
        for _ in range(3):
            site.resync()
        service_is_contested(site, grid, "admission")
        before = site.get("g-svc", "Service")["metadata"]["resourceVersion"]
        for _ in range(4):
            site.resync()
        assert site.get("g-svc", "Service")["metadata"]["resourceVersion"] == before
        assert updates(grid) == []
