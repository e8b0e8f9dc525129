"""Our custom resources: installed once, upgraded where they are ours, never touched where they are not."""

import copy
import subprocess
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from django.core.management import call_command

from embedded_cluster import EmbeddedCluster
from sgportal.cluster import MERGE_PATCH, Cluster, Conflict, Refused, install_crds, upgrade_crds
from sgportal.cluster.crds import ALL_DEFINITIONS, DEFINITIONS
from sgportal.core.grids.grid import parse
from sgportal.core.grids.kinds import KINDS
from sgportal.core.text import Invalid

CRD = "CustomResourceDefinition"
DATA = Path(__file__).parent.parent / "data"


def manifest(name: str) -> dict[str, Any]:
    found = yaml.safe_load((DATA / f"{name}.yaml").read_text())
    found["metadata"].setdefault("namespace", "default")
    return found


def test_the_second_time_nothing_changes(cluster: Cluster) -> None:
    assert install_crds(cluster) == [each["metadata"]["name"] for each in ALL_DEFINITIONS]
    versions = [each["metadata"]["resourceVersion"] for each in cluster.list(CRD).items]
    assert install_crds(cluster) == []
    assert [each["metadata"]["resourceVersion"] for each in cluster.list(CRD).items] == versions


def test_an_older_definition_of_ours_is_brought_up_to_date(cluster: Cluster) -> None:
    old = copy.deepcopy(DEFINITIONS[0])
    del old["spec"]["versions"][0]["additionalPrinterColumns"]
    cluster.apply(old)
    assert old["metadata"]["name"] in install_crds(cluster)
    live = cluster.get(CRD, "", old["metadata"]["name"])
    assert live is not None
    assert live["spec"]["versions"][0]["additionalPrinterColumns"]


def test_a_definition_somebody_else_made_stays(cluster: Cluster, embedded: EmbeddedCluster) -> None:
    foreign = copy.deepcopy(DEFINITIONS[0])
    del foreign["spec"]["versions"][0]["additionalPrinterColumns"]
    command = ["kubectl", f"--kubeconfig={embedded.kubeconfig_path}", "create", "-f", "-"]
    if subprocess.run(["which", "kubectl"], capture_output=True).returncode:
        pytest.skip("not installed here: kubectl")
    subprocess.run(command, input=orjson.dumps(foreign), check=True, capture_output=True)
    assert foreign["metadata"]["name"] not in install_crds(cluster)
    live = cluster.get(CRD, "", foreign["metadata"]["name"])
    assert live is not None
    assert not live["spec"]["versions"][0].get("additionalPrinterColumns")


def hold(cluster: Cluster, name: str, finalizers: list[str] | None) -> None:
    """Have somebody's finalizer keep a definition, or let it go."""
    cluster.patch(CRD, "", name, {"metadata": {"finalizers": finalizers}}, MERGE_PATCH)


@pytest.mark.parametrize("put", [install_crds, upgrade_crds])
def test_a_definition_that_is_being_deleted_is_put_back_once_it_is_gone(cluster: Cluster, put: Any) -> None:
    """What is applied to it before goes with it; the others do not wait for it."""
    install_crds(cluster)
    going, gone, _ = (each["metadata"]["name"] for each in DEFINITIONS)
    hold(cluster, going, ["example.com/hold"])
    cluster.delete(CRD, "", going)
    cluster.delete(CRD, "", gone)
    with pytest.raises(Conflict, match=f"the CRD {going} is still being deleted"):
        put(cluster, gone_seconds=0.1)
    assert cluster.get(CRD, "", gone)
    old = cluster.get(CRD, "", going)
    assert old
    threading.Timer(0.3, hold, (cluster, going, None)).start()
    put(cluster, gone_seconds=75)
    live = cluster.get(CRD, "", going)
    assert live
    assert live["metadata"]["uid"] != old["metadata"]["uid"]
    assert "deletionTimestamp" not in live["metadata"]


def test_they_are_small_enough_for_kubectl_apply() -> None:
    for definition in DEFINITIONS:  # its annotation may hold 262144 bytes
        assert len(orjson.dumps(definition)) < 20_000


def test_the_schema_refuses_what_is_no_grid_and_keeps_what_it_does_not_know(cluster: Cluster) -> None:
    install_crds(cluster)
    grid = manifest("deploymentgrid")
    grid["spec"]["template"]["fieldOfTheFuture"] = {"x": 1}
    live = cluster.apply(grid).body
    assert live["spec"]["template"]["fieldOfTheFuture"] == {"x": 1}
    assert live["metadata"]["generation"] == 1
    del grid["spec"]["gridUniqKey"]
    grid["metadata"]["name"] = "other"
    with pytest.raises(Refused) as caught:
        cluster.apply(grid)
    assert any("gridUniqKey" in str(cause) for cause in caught.value.causes)


def test_the_schema_knows_how_a_service_may_be_kept(cluster: Cluster) -> None:
    install_crds(cluster)
    grid = manifest("servicegrid")
    grid["spec"]["closure"] = {"mode": "failover", "failover": ["nodeunit1"]}
    assert cluster.apply(grid).body["spec"]["closure"] == {"mode": "failover", "failover": ["nodeunit1"]}
    for bad in ({"mode": "strikt"}, {"failover": ["a"]}, {"mode": "failover", "failover": [""]}):
        grid["spec"]["closure"] = bad
        with pytest.raises(Refused) as caught:
            cluster.apply(grid)
        assert any("closure" in str(cause) for cause in caught.value.causes)


@pytest.mark.kubectl
def test_kubectl_shows_what_an_operator_wants_to_know(cluster: Cluster, embedded: EmbeddedCluster) -> None:
    install_crds(cluster)
    grid, service = manifest("deploymentgrid"), manifest("servicegrid")
    cluster.apply(grid)
    cluster.apply(service)
    status = {"totalUnits": 3, "readyUnits": 2, "conditions": [{"type": "Ready", "status": "False"}]}
    metadata = grid["metadata"]
    cluster.patch(
        "DeploymentGrid",
        metadata["namespace"],
        metadata["name"],
        {"status": status},
        MERGE_PATCH,
        subresource="status",
    )

    def shown(short: str) -> list[list[str]]:
        command = ["kubectl", f"--kubeconfig={embedded.kubeconfig_path}", "get", short]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [line.split() for line in found.splitlines()]

    head, row = shown("dg")
    assert head == ["NAME", "KEY", "UNITS", "READY-UNITS", "READY", "AGE"]
    assert row[:5] == [metadata["name"], grid["spec"]["gridUniqKey"], "3", "2", "False"]
    assert shown("sg")[0] == ["NAME", "KEY", "CLOSURE", "READY", "AGE"]
    assert len(shown("ssg")) <= 1


def test_the_file_in_deploy_is_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("crds")
    written = Path("deploy/crds.yaml").read_text()
    assert capsys.readouterr().out == written, "run `make crds`"
    assert list(yaml.safe_load_all(written)) == list(ALL_DEFINITIONS)


@pytest.mark.parametrize("path", sorted(Path("docs/examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_good_grid_is_refused(cluster: Cluster, path: Path) -> None:
    install_crds(cluster)
    for body in yaml.safe_load_all(path.read_text()):
        if body["kind"] in KINDS:
            parse(body)
            body["metadata"].setdefault("namespace", "default")
            assert cluster.apply(body).body["spec"]["gridUniqKey"] == body["spec"]["gridUniqKey"]


def test_no_name_is_refused_that_leaves_room_for_a_unit() -> None:
    for definition in DEFINITIONS:
        kind = definition["spec"]["names"]["kind"]
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        longest = schema["properties"]["metadata"]["properties"]["name"]["maxLength"]
        base = manifest("servicegrid" if kind == "ServiceGrid" else "deploymentgrid")
        if kind == "StatefulSetGrid":
            base["spec"]["template"].pop("strategy")
            base["spec"]["template"]["serviceName"] = "web"
        parse({**base, "kind": kind, "metadata": {"name": "g" * longest}})
        with pytest.raises(Invalid, match="too long"):
            parse({**base, "kind": kind, "metadata": {"name": "g" * (longest + 1)}})
