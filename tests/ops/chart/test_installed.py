"""The chart on a real control plane: taken as it is, its processes run by what the API server stored, the walk-through
done through them, an upgrade beside the version before, a rollback, and an end that leaves alone what runs."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tests.kube import binaries
from tests.kube import control_plane as kube
from tests.kube.helm import build as helm
from tests.services import wait_for

from ..access import walk
from ..runtime.processes import Portal
from ..runtime.workers import TOKEN
from . import manifests
from .pods import Kubelet

COMPONENTS = {"web", "worker", "watch", "keeper"}
HOST = "portal.example"
NAMESPACE = "sgportal"
SECRET = "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ"
OWN = "app.kubernetes.io/name=sgportal"
pytestmark = [pytest.mark.kubernetes, pytest.mark.helm, pytest.mark.timeout(280)]


@pytest.fixture(scope="module")
def install_plane(tmp_path_factory):
    with kube.run(tmp_path_factory.mktemp("install"), ["node0", "node1", "node2"]) as running:
        namespace = yaml.safe_load((manifests.KUSTOMIZE / "base" / "namespace.yaml").read_text())
        running.request("POST", "/api/v1/namespaces", namespace)
        yield running


def kubectl(plane, *arguments: str) -> str:
    command = [str(binaries.find("kubectl")), f"--kubeconfig={plane.kubeconfig()}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("profile", manifests.PROFILES)
def test_an_api_server_takes_every_object_without_a_warning(install_plane, profile):
    """A dry run with strict validation of fields; Pod Security `restricted` warns of templates, and warnings fail."""
    built = manifests.KUSTOMIZE / "overlays" / profile
    options = ["--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors"]
    taken = kubectl(install_plane, "apply", "-k", str(built), *options).splitlines()
    assert len(taken) == len(manifests.objects(profile)) + 1  # and the settings


def test_a_pod_that_keeps_less_than_the_standard_is_warned_of(install_plane):
    """That the test before can fail."""
    body = next(each for each in manifests.workloads("sqlite") if each["kind"] == "Deployment")
    template = body["spec"]["template"]
    lax = {**template, "spec": {**template["spec"], "securityContext": {"runAsUser": 0}}}
    path = install_plane.folder / "lax.yaml"
    path.write_text(yaml.safe_dump({**body, "spec": {**body["spec"], "template": lax}}))
    with pytest.raises(AssertionError, match="would violate PodSecurity"):
        kubectl(install_plane, "apply", "-f", str(path), "--dry-run=server", "--warnings-as-errors")


def release(plane, *arguments: str) -> str:
    """helm, as the administrator of the cluster."""
    flags = [f"--kubeconfig={plane.kubeconfig()}", "--namespace", NAMESPACE]
    done = subprocess.run(
        [str(helm.find()), *arguments, *flags], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def values(version: str) -> list[str]:
    """High availability, behind a proxy on this host."""
    given = [
        f"image.tag={version}",
        f"hosts[0]={HOST}",
        "trustedProxies[0]=127.0.0.1",
        "settings.SGPORTAL_RESYNC_SECONDS=20",
        "names=true",
        "slicesPolicy=true",
    ]
    files = ["-f", str(manifests.CHART / "profiles" / "ha.yaml")]
    return [
        str(manifests.CHART),
        *files,
        *(word for each in given for word in ("--set", each)),
    ]


@pytest.fixture
def secret(install_plane, postgres_server, redis_server):
    redis_server.client().flushall()
    data = {"SECRET_KEY": SECRET, "DATABASE_URL": postgres_server.url(), "CELERY_BROKER_URL": redis_server.url}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sgportal"}, "stringData": data}
    install_plane.request("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", body)
    yield
    install_plane.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/sgportal")


@pytest.fixture
def kubelet(install_plane, tmp_path):
    running = Kubelet(install_plane, tmp_path, os.environ.get("SGPORTAL_IMAGE_ROOT", ""))  # scripts/image.sh
    yield running
    running.kill()


def begin(kubelet: Kubelet, version: str) -> dict:
    """Run a pod of each component of this version until their probes pass. One of them migrates; that all may at once
    is tried below."""
    wait_for(lambda: kubelet.pods(version).keys() == COMPONENTS, 75, f"pods of {version}")
    pods = kubelet.pods(version)
    kubelet.prepare(pods["web"])
    for pod in pods.values():
        kubelet.start(pod)
    with ThreadPoolExecutor() as pool:
        list(pool.map(kubelet.until_alive, pods.values()))
    return pods


def door(kubelet: Kubelet, web: dict, token: str) -> walk.Door:
    return walk.Door(f"http://127.0.0.1:{kubelet.port(web)}", token, HOST)


def running(plane) -> dict[str, str]:
    """What runs for the grids: pod → uid."""
    items = plane.request("GET", "/api/v1/namespaces/default/pods")["items"]
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in items}


def generations(plane) -> dict[str, int]:
    items = plane.request("GET", "/apis/apps/v1/namespaces/default/deployments")["items"]
    return {each["metadata"]["name"]: each["metadata"]["generation"] for each in items}


@pytest.mark.containers
@pytest.mark.redis
@pytest.mark.postgres
def test_install_walk_through_upgrade_rollback_uninstall(install_plane, secret, kubelet):
    release(install_plane, "install", "sgportal", *values("old"))
    old = begin(kubelet, "old")
    issued = kubelet.run(
        old["web"], old["web"]["spec"]["containers"][0], ["python", "-c", f"import django; django.setup()\n{TOKEN}"]
    )
    assert issued.returncode == 0, issued.stderr
    before = door(kubelet, old["web"], issued.stdout.strip())
    wait_for(lambda: len(before.get("nodes")["items"]) == 3, 75, "the nodes have been seen")
    walk.walk_through(before)
    pods, specs = running(install_plane), generations(install_plane)
    assert len(pods) == 4

    release(install_plane, "upgrade", "sgportal", *values("new"), "--wait", "--timeout", "150s")
    new = begin(kubelet, "new")  # the old ones run on beside them
    after = door(kubelet, new["web"], before.token)
    for each in (before, after):
        assert walk.ready_units(each) == {"nodeunit1": (2, 2), "nodeunit2": (2, 2)}
    codes = {name: code for pod in old.values() for name, code in kubelet.stop(pod).items()}
    assert codes.pop("web") in (0, -15)  # uvicorn closes in order and then ends by the signal it was sent
    assert codes == {"worker": 0, "watch": 0, "keeper": 0}
    assert (running(install_plane), generations(install_plane)) == (pods, specs)
    _scale(after, 3)
    wait_for(
        lambda: walk.ready_units(after) == {"nodeunit1": (3, 3), "nodeunit2": (3, 3)}, 75, "3/3 by the new version"
    )

    release(install_plane, "rollback", "sgportal", "1")
    wait_for(lambda: kubelet.pods("old").keys() == COMPONENTS, 75, "pods of the version before")
    kubelet.kill()
    pods = running(install_plane)
    release(install_plane, "uninstall", "sgportal")
    wait_for(lambda: left_over(install_plane) == [], 75, "what the chart made is gone")
    assert running(install_plane) == pods
    grids = install_plane.request("GET", "/apis/superedge.io/v1/namespaces/default/deploymentgrids")["items"]
    assert [each["metadata"]["name"] for each in grids] == ["deploymentgrid-demo"]


def _scale(door: walk.Door, replicas: int) -> None:
    _, grid, headers = door.ask("GET", walk.GRID)
    grid["spec"]["template"]["replicas"] = replicas
    status, answer, _ = door.ask("PUT", walk.GRID, json.dumps(grid).encode(), **{"If-Match": headers["ETag"]})
    assert status == 200, answer


def left_over(plane) -> list[str]:
    """What the chart made and is still there, but for the definitions, which it keeps."""
    cluster_wide = "roles,rolebindings,clusterroles,clusterrolebindings,validatingadmissionpolicies"
    kinds = f"deployments,services,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies,{cluster_wide}"
    return kubectl(plane, "get", kinds, "-A", "-l", OWN, "-o", "name").split()


@pytest.mark.containers
def test_with_default_values_one_pod_is_all_of_it(install_plane, kubelet):
    """SQLite, and a Secret that the chart makes, keeps at an upgrade and leaves at the end."""
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/sgportal"
    release(install_plane, "install", "sgportal", str(manifests.CHART), "--set", "image.tag=one")
    wait_for(lambda: kubelet.pods("one"), 75, "a pod")
    made = install_plane.request("GET", path)["data"]
    assert made.keys() == {"SECRET_KEY"}
    pod = kubelet.pods("one")["web"]
    kubelet.prepare(pod)
    kubelet.start(pod)
    kubelet.until_alive(pod)
    assert kubelet.stop(pod).keys() == COMPONENTS
    release(install_plane, "upgrade", "sgportal", str(manifests.CHART), "--set", "image.tag=two")
    assert install_plane.request("GET", path)["data"] == made
    release(install_plane, "uninstall", "sgportal")
    assert install_plane.request("GET", path)["data"] == made
    assert install_plane.request("GET", f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/sgportal")
    install_plane.request("DELETE", path)


@pytest.mark.postgres
def test_several_pods_may_migrate_at_once(postgres_server, tmp_path):
    """Plain `migrate` started twice at once fails: both make the same table."""
    portal = Portal(
        tmp_path, {"SECRET_KEY": SECRET, "DATABASE_URL": postgres_server.url(), "SGPORTAL_STATEMENT_SECONDS": "0"}
    )
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: portal.run(["python", "manage.py", "migrateonce"]), range(2)))
    assert sum("Applying sgportal.0001" in each.stdout for each in done) == 1
    assert "nothing to migrate" in portal.run(["python", "manage.py", "migrateonce"]).stdout
