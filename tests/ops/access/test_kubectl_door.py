"""With kubectl alone, the one that is installed and the newest one, on a real API server: every command that people use
on grids, with the portal at work as a user with few rights."""

import itertools
import re
import time
from pathlib import Path

import pytest
import yaml

from sgportal.core.grids.grid import parse
from sgportal.core.names import LAST_APPLIED
from sgportal.core.text import Invalid
from tests.services import wait_for

from .door import DEFINITIONS, NODES, house
from .door_grids import REFUSED, SHOWN, a_grid, a_service, a_template
from .walk import LABELS

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.kubectl,
    pytest.mark.redis,
    pytest.mark.timeout(300),
]
SEED = ("tests/data/deploymentgrid.yaml", "tests/data/servicegrid.yaml")
GRID, SERVICE = "dg/deploymentgrid-demo", "sg/servicegrid-demo"
CHILDREN = {"deploymentgrid-demo-nodeunit1", "deploymentgrid-demo-nodeunit2"}
OLD, NEW = "echoserver:2.2", "echoserver:2.3"
_numbers = itertools.count(1)
READY = ("wait", "--for=condition=Ready", "--timeout=75s")


@pytest.fixture(scope="module")
def home(tmp_path_factory, redis_server):
    redis_server.client().flushall()
    with house(tmp_path_factory.mktemp("door"), redis_server.url) as made:
        _others(made.kubectl("newest"))
        yield made
        assert "Traceback" not in made.said()


def _others(run):
    """Grids of somebody else, which stay: where all of a kind go at once, the portal waits for a person."""
    run("create", "namespace", "others")
    stateful = a_grid("state", "StatefulSetGrid", template=a_template(serviceName="web"))
    run.inside("others").apply(a_grid(), stateful, a_service())


@pytest.fixture(scope="module", params=["installed", "newest"])
def kubectl(home, request):
    """kubectl, once the nodes form two NodeUnits."""
    run = home.kubectl(request.param)
    for node, unit in LABELS.items():
        assert "labeled" in run("label", "node", node, f"zone1={unit}")
    yield run
    run("label", "node", *NODES, "zone1-")


@pytest.fixture
def space(kubectl):
    """kubectl in a namespace of the test's own."""
    name = f"door-{next(_numbers)}"
    kubectl("create", "namespace", name)
    yield kubectl.inside(name)
    kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def images(kubectl):
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in kubectl.json("deploy")
    }


def test_the_walk_through(home, kubectl, tmp_path):
    check_the_definitions(kubectl)
    files = [word for path in SEED for word in ("-f", path)]
    assert kubectl("diff", *files, code=1).count("+kind:") == 2
    assert kubectl("apply", *files).count("created") == 2
    assert kubectl(*READY, GRID, SERVICE).count("condition met") == 2
    check_what_runs(kubectl)
    check_what_is_shown(kubectl)
    assert kubectl("diff", *files) == ""
    assert kubectl("apply", *files).count("unchanged") == 2
    check_an_edit(kubectl, tmp_path)
    assert re.search(rf"^\+ .*image: .*/{OLD}$", kubectl("diff", *files, code=1), re.M)
    assert kubectl("apply", *files).count("configured") == 1
    kubectl(*READY, GRID)
    assert {image.rpartition("/")[2] for image in images(kubectl).values()} == {OLD}
    assert kubectl("diff", *files) == ""
    check_two_who_apply(kubectl, tmp_path)
    assert kubectl("delete", *files, "--timeout=75s").count("deleted") == 2
    home.until_rows("default")
    wait_for(lambda: "No resources found" in kubectl("get", "deploy"), 75, "the children are gone", 0.5)
    assert 'User "portal" cannot' not in home.said()


def check_the_definitions(kubectl):
    """They are there and stay as they are; kubectl's annotation holds them; they are structural."""
    assert kubectl("apply", "-f", str(DEFINITIONS)).count("unchanged") == 4
    assert kubectl("diff", "-f", str(DEFINITIONS)) == ""
    for body in kubectl.json("-f", str(DEFINITIONS)):
        assert len(body["metadata"]["annotations"][LAST_APPLIED]) < 262144 / 8
        conditions = {each["type"]: each["status"] for each in body["status"]["conditions"]}
        assert (conditions["Established"], conditions.get("NonStructuralSchema", "False")) == ("True", "False")
    assert "gridUniqKey" in kubectl("explain", "dg.spec")


def check_what_runs(kubectl):
    """Two sites with two pods each on their own nodes, and one Service."""
    ready = {each["metadata"]["name"]: each["status"]["readyReplicas"] for each in kubectl.json("deploy")}
    assert ready == dict.fromkeys(CHILDREN, 2)
    for pod in kubectl.json("pods"):
        unit = LABELS[pod["spec"]["nodeName"]]
        assert pod["metadata"]["generateName"].startswith(f"deploymentgrid-demo-{unit}-")
    services = [line.split() for line in kubectl("get", "svc", "--no-headers").splitlines()]
    found = [(name, kind, ports) for name, kind, _, _, ports, _ in services if name != "kubernetes"]
    assert found == [("servicegrid-demo-svc", "ClusterIP", "80/TCP")]


def check_what_is_shown(kubectl):
    """Columns, and what happened."""
    head, row = (line.split() for line in kubectl("get", "dg").splitlines())
    assert head == ["NAME", "KEY", "UNITS", "READY-UNITS", "READY", "AGE"]
    assert row[:5] == ["deploymentgrid-demo", "zone1", "2", "2", "True"]
    head, row = (line.split() for line in kubectl("get", "sg").splitlines())
    assert head == ["NAME", "KEY", "CLOSURE", "READY", "AGE"]
    assert row[1:4] == ["zone1", row[2], "True"]
    told = kubectl("describe", GRID).partition("Events:")[2]
    assert "created 2 Deployments: deploymentgrid-demo-nodeunit1 and deploymentgrid-demo-nodeunit2" in told
    assert "all 2 NodeUnits are ready" in told
    assert "Service “servicegrid-demo-svc” was created" in kubectl("describe", SERVICE)


def check_an_edit(kubectl, tmp_path):
    """Somebody annotates the grid while another has it open in an editor; both writes stand, and children follow."""
    editor = tmp_path / "editor"
    again = f"{kubectl.program} --kubeconfig {kubectl.kubeconfig} annotate {GRID} note=kept --overwrite"
    editor.write_text(f'#!/bin/sh\nset -e\n{again}\nsed -i s/{OLD}/{NEW}/ "$1"\n')
    editor.chmod(0o700)
    before = kubectl.json(GRID)
    assert "edited" in kubectl("edit", GRID, KUBE_EDITOR=str(editor))
    kubectl(*READY, GRID)
    assert {image.rpartition("/")[2] for image in images(kubectl).values()} == {NEW}
    after = kubectl.json(GRID)
    assert after["metadata"]["annotations"]["note"] == "kept"
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert "updated 2 Deployments" in kubectl("describe", GRID)


def check_two_who_apply(kubectl, tmp_path):
    """A second manager is told whose fields it wants to change, and may insist; the portal claims nothing."""
    path = tmp_path / "gitops.yaml"
    manifest = yaml.safe_load(Path(SEED[0]).read_text())
    manifest["spec"]["template"]["replicas"] = 3
    path.write_text(yaml.safe_dump(manifest))
    apply = ("apply", "--server-side", "--field-manager=gitops", "-f", str(path))
    told = kubectl(*apply, code=1)
    assert 'conflict with "kubectl-client-side-apply"' in told
    assert ".spec.template.replicas" in told
    assert "serverside-applied" in kubectl(*apply, "--force-conflicts")
    kubectl(*READY, GRID)
    assert {each["spec"]["replicas"] for each in kubectl.json("deploy")} == {3}
    assert kubectl("diff", "--server-side", "--field-manager=gitops", "-f", str(path)) == ""
    shown = yaml.safe_load(kubectl("get", GRID, "-o", "yaml", "--show-managed-fields"))
    ours = [each for each in shown["metadata"]["managedFields"] if each["manager"].startswith("sgportal")]
    assert {each["subresource"] for each in ours} == {"status"}


def uids(kubectl):
    """The Deployments there are, none of them on its way out."""
    found = [each["metadata"] for each in kubectl.json("deploy")]
    assert not [each["name"] for each in found if "deletionTimestamp" in each]
    return {each["name"]: each["uid"] for each in found}


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_what_is_deleted_with_a_grid(home, space, cascade):
    space.apply(a_grid())
    space(*READY, "dg/web")
    before = uids(space)
    assert before.keys() == {"web-nodeunit1", "web-nodeunit2"}
    with home.paused("kube-controller-manager"):  # so that the portal sees it before the garbage collector does
        space("delete", "dg", "web", f"--cascade={cascade}", "--wait=false")
        home.until_going(space.namespace)
        if cascade == "orphan":
            time.sleep(0.5)
            assert uids(space) == before
    space("wait", "--for=delete", "dg/web", "--timeout=75s")
    if cascade == "background":
        space("wait", "--for=delete", *(f"deploy/{name}" for name in before), "--timeout=75s")
    if cascade == "foreground":
        assert uids(space) == {}
    home.until_rows(space.namespace)
    if cascade == "orphan":
        assert uids(space) == before
        assert not any("ownerReferences" in each["metadata"] for each in space.json("deploy"))
        space.apply(a_grid())
        space(*READY, "dg/web")
        assert uids(space) == before
        assert "adopted 2 Deployments" in space("describe", "dg", "web")


def test_a_grid_is_deleted_and_made_again_at_once(home, space, tmp_path):
    path = tmp_path / "grid.yaml"
    space.apply(a_grid())
    for cascade in ("background", "foreground", "orphan"):
        path.write_text(yaml.safe_dump(a_grid(template=a_template(cascade))))
        assert "replaced" in space("replace", "--force", f"--cascade={cascade}", "-f", str(path))
        space(*READY, "dg/web")
        uid = space.json("dg", "web")["metadata"]["uid"]
        assert {each["metadata"]["ownerReferences"][0]["uid"] for each in space.json("deploy")} == {uid}
        assert set(images(space).values()) == {cascade}


@pytest.mark.parametrize("kubectl", ["newest"], indirect=True)
def test_a_namespace_is_deleted_with_its_grids(home, space):
    stateful = a_grid("state", "StatefulSetGrid", template=a_template(serviceName="web"))
    space.apply(a_grid(), stateful, a_service())
    assert space(*READY, "dg/web", "ssg/state", "sg/web").count("condition met") == 3
    assert "deleted" in space("delete", "namespace", space.namespace, "--timeout=75s")
    home.until_rows(space.namespace)


def test_what_is_no_grid_is_refused_by_name_and_not_stored(home, space):
    for number, (manifest, words) in enumerate(REFUSED):
        name = manifest["metadata"]["name"]
        told = space.apply({**manifest, "metadata": {"name": name if len(name) > 50 else f"no{number}"}}, code=1)
        assert words in told, (words, told)
        with pytest.raises(Invalid):
            parse(manifest)
    assert "No resources found" in space("get", "dg,ssg,sg")
    assert home.rows(space.namespace) == set()


def test_what_only_the_portal_can_know_is_said_on_the_grid(home, space):
    space.apply(*(a_grid(name, template=template, **more) for name, (template, more, _, _) in SHOWN.items()))
    space("wait", "--for=condition=Degraded", *(f"dg/{name}" for name in SHOWN), "--timeout=75s")
    for name, (_, _, reason, words) in SHOWN.items():
        told = space("describe", "dg", name)
        assert re.search(rf"Warning +{reason} .*{words}", told.partition("Events:")[2]), told
        assert reason in told.partition("Events:")[0]
        assert space("get", "dg", name, "-o", "wide", "--no-headers").split()[4] == "False"
    assert set(uids(space)) == {"missing-nodeunit2"}
    space.apply(a_grid("missing"))
    space(*READY, "dg/missing")


@pytest.mark.parametrize("kubectl", ["newest"], indirect=True)
def test_a_grid_from_before_a_rule_keeps_its_status(space):
    """Nothing that is stored is locked up by a definition that has become stricter."""
    older = yaml.safe_load(DEFINITIONS.read_text().partition("---")[0])
    older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    }
    old = a_grid("old", gridUniqKey="zone 1")
    try:
        space.apply(older)
        wait_for(lambda: "created" in space.apply(old, code=None), 75, "the older definition is in force")
    finally:
        space("apply", "-f", str(DEFINITIONS))
    wait_for(lambda: "gridUniqKey" in space.apply({**old, "metadata": {"name": "new"}}, code=None), 75, "the newer is")
    space("patch", "dg", "old", "--type=merge", '--patch={"spec": {"templates": {"a": "b"}}}')
    space("wait", "--for=jsonpath={.status.observedGeneration}=2", "dg/old", "--timeout=75s")
    assert "InvalidSpec" in space("describe", "dg", "old")
    assert "edited" in space("edit", "dg", "old", KUBE_EDITOR="sed -i s/zone\\ 1/zone1/")
    space(*READY, "dg/old")
