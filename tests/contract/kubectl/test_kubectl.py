"""What people type: kubectl itself, the one that is installed and the newest one, against both clusters."""

import os
import subprocess

import pytest

from tests.kube import binaries

from ..conftest import a_map

pytestmark = pytest.mark.kubectl

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "img:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
NEWEST = pytest.param("newest", marks=pytest.mark.kubernetes)


@pytest.fixture(params=["installed", NEWEST])
def kubectl(server, namespace, tmp_path_factory, request):
    program = str(binaries.find("kubectl")) if request.param == "newest" else "kubectl"
    cache = tmp_path_factory.getbasetemp() / f"kubectl-{type(server).__name__}-{request.param}"

    def run(*words, code=0, timeout=100, **environment):
        options = ["--kubeconfig", str(server.kubeconfig), f"--cache-dir={cache}", "-n", namespace]
        done = subprocess.run(
            [program, *options, *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={"PATH": os.environ["PATH"], "HOME": str(cache), **environment},
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr

    return run


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "bundle.yaml"
    path.write_text(MANIFEST)
    return path


def _at_rest(kubectl):
    """A difference is of two reads: what controllers write to a status in between is in it."""
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=75s")


def test_nodes_are_listed_described_and_labelled(kubectl):
    lines = kubectl("get", "nodes", "-o", "wide").splitlines()
    assert lines[0].split()[:5] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert lines[1].split()[:3] == ["node0", "Ready", "<none>"]
    described = kubectl("describe", "node", "node0")
    assert "Conditions:" in described
    assert "KubeletReady" in described or "Ready " in described
    probe = "contract.example.com/probe"
    assert "labeled" in kubectl("label", "node", "node0", f"{probe}=x", "--overwrite")
    assert kubectl("get", "nodes", "-l", f"{probe}=x", "-o", "name").split() == ["node/node0"]
    assert "node0" in kubectl("get", "nodes", "-l", f"{probe} in (x,y)", "-L", probe)
    assert "unlabeled" in kubectl("label", "node", "node0", f"{probe}-")
    assert "No resources found" in kubectl("get", "nodes", "-l", probe)


def test_what_there_is_and_what_it_means(kubectl):
    resources = {line.split()[0]: line.split() for line in kubectl("api-resources", "--no-headers").splitlines()}
    assert resources["deployments"] == ["deployments", "deploy", "apps/v1", "true", "Deployment"]
    assert resources["nodes"] == ["nodes", "no", "v1", "false", "Node"]
    assert "apps/v1" in kubectl("api-versions").split()
    explained = kubectl("explain", "deployment.spec.template.spec.containers")
    assert "FIELD: containers <[]Container>" in explained
    assert "imagePullPolicy\t<string>" in explained
    assert "FIELD: port <integer>" in kubectl("explain", "services.spec.ports.port")
    assert "strategy\t<DeploymentStrategy>" in kubectl("explain", "deployment.spec")


def test_apply_diff_and_delete(kubectl, manifest):
    assert kubectl("diff", "-f", str(manifest), code=1).count("+  name: web") == 2
    assert kubectl("apply", "-f", str(manifest)).count("created") == 2
    assert kubectl("apply", "-f", str(manifest)).count("unchanged") == 2
    _at_rest(kubectl)
    assert kubectl("diff", "-f", str(manifest)) == ""
    shown = kubectl("get", "deploy,svc", "-o", "wide")
    assert {"NAME", "READY", "UP-TO-DATE", "CONTAINERS", "IMAGES", "SELECTOR", "CLUSTER-IP"} <= set(shown.split())
    assert "Selector:" in kubectl("describe", "deploy", "web")
    assert "Endpoints:" in kubectl("describe", "svc", "web")
    manifest.write_text(MANIFEST.replace("img:1", "img:2").replace("selector: {app: web}, ports", "ports"))
    assert "+      - image: img:2" in kubectl("diff", "-f", str(manifest), code=1)
    assert kubectl("apply", "-f", str(manifest)).count("configured") == 2
    assert kubectl("get", "svc", "web", "-o", "jsonpath={.spec.selector}") == ""
    assert "scaled" in kubectl("scale", "deploy/web", "--replicas=1")
    assert "server dry run" in kubectl("delete", "-f", str(manifest), "--dry-run=server")
    assert kubectl("delete", "-f", str(manifest), "--timeout=75s").count("deleted") == 2
    assert "NotFound" in kubectl("get", "deploy", "web", code=1)


def test_apply_on_the_server_side_says_what_conflicts(kubectl, manifest):
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", str(manifest))
    _at_rest(kubectl)
    assert kubectl("diff", "--server-side", "-f", str(manifest)) == ""
    kubectl("scale", "deploy/web", "--replicas=1")
    manifest.write_text(MANIFEST.replace("replicas: 2", "replicas: 3"))
    assert "conflict" in kubectl("apply", "--server-side", "-f", str(manifest), code=1)
    assert "applied" in kubectl("apply", "--server-side", "--force-conflicts", "-f", str(manifest))
    manifest.write_text(MANIFEST.replace("  replicas: 2\n", ""))
    kubectl("apply", "--server-side", "-f", str(manifest))
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "1"  # nobody's any more: the default


def test_a_bad_manifest_is_refused_with_the_field(kubectl, manifest):
    manifest.write_text(MANIFEST.replace("labels: {app: web}", "labels: {app: other}"))
    assert "does not match template `labels`" in kubectl("apply", "-f", str(manifest), code=1)
    manifest.write_text(MANIFEST.replace("replicas: 2", "replica: 2"))
    assert 'unknown field "spec.replica"' in kubectl("apply", "-f", str(manifest), code=1)
    assert 'Warning: unknown field "spec.replica"' in kubectl("apply", "--validate=warn", "-f", str(manifest))
    manifest.write_text(MANIFEST.replace("replicas: 2", "replicas: two"))
    assert "cannot unmarshal string" in kubectl("create", "--dry-run=server", "-f", str(manifest), code=1)


def test_one_field_at_a_time(server, kubectl, maps):
    server("POST", maps, a_map("m", {"a": "1"}))
    assert "annotated" in kubectl("annotate", "configmap", "m", "note=x")
    assert "already has a value" in kubectl("annotate", "configmap", "m", "note=y", code=1)
    assert "labeled" in kubectl("label", "configmap", "m", "l=1")
    for kind, patch in (
        ("json", '[{"op": "add", "path": "/data/j", "value": "1"}]'),
        ("merge", '{"data": {"a": null, "m": "1"}}'),
        ("strategic", '{"data": {"s": "1"}}'),
    ):
        assert "patched" in kubectl("patch", "configmap", "m", f"--type={kind}", f"--patch={patch}")
    assert "(no change)" in kubectl("patch", "configmap", "m", "--type=merge", '--patch={"data":{"m":"1"}}')
    assert server("GET", f"{maps}/m").body["data"] == {"j": "1", "m": "1", "s": "1"}
    assert "edited" in kubectl("edit", "configmap", "m", KUBE_EDITOR="sed -i s/j:/edited:/")
    assert server("GET", f"{maps}/m").body["data"] == {"edited": "1", "m": "1", "s": "1"}
    body = server("GET", f"{maps}/m").body
    assert (body["metadata"]["labels"], body["metadata"]["annotations"]) == ({"l": "1"}, {"note": "x"})


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_what_is_deleted_with_it(kubectl, manifest, cascade):
    kubectl("apply", "-f", str(manifest))
    kubectl("wait", "--for=create", "rs", "-l", "app=web", "--timeout=75s")
    replicas = kubectl("get", "rs", "-o", "name").strip()
    assert "deleted" in kubectl("delete", "deploy", "web", f"--cascade={cascade}", "--timeout=75s")
    if cascade == "orphan":
        assert kubectl("get", replicas, "-o", "jsonpath={.metadata.ownerReferences}") == ""
    elif cascade == "foreground":
        assert "No resources found" in kubectl("get", "rs")
    else:
        kubectl("wait", "--for=delete", replicas, "--timeout=75s")


def test_a_rollout_is_followed_and_undone(kubectl, manifest):
    kubectl("apply", "-f", str(manifest))
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=75s")
    assert "condition met" in kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=75s")
    assert "condition met" in kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", "deploy/web", "--timeout=75s")
    assert kubectl("get", "pods", "-o", "wide", "--no-headers").count("Running") == 2
    assert "deploy" in kubectl("get", "all")
    kubectl("set", "image", "deploy/web", "c=img:2")
    kubectl("rollout", "status", "deploy/web", "--timeout=75s")
    assert len(kubectl("rollout", "history", "deploy/web").split("\n1 ")) == 2
    kubectl("rollout", "undo", "deploy/web")
    kubectl("rollout", "status", "deploy/web", "--timeout=75s")
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={..image}").strip() == "img:1"
    assert "restarted" in kubectl("rollout", "restart", "deploy/web")
    assert "web" in kubectl("get", "endpointslices", "--no-headers")
    assert "Scaled up replica set" in kubectl("describe", "deploy", "web")


def test_a_watch_shows_what_happens(kubectl, manifest):
    kubectl("create", "-f", str(manifest))
    assert "pod/web" in kubectl("get", "pods", "-w", "--request-timeout=2s", "-o", "name")


@pytest.mark.embedded_only
def test_logs_are_shown(kubectl, manifest):
    kubectl("apply", "-f", str(manifest))
    kubectl("rollout", "status", "deploy/web", "--timeout=75s")
    assert "started on" in kubectl("logs", "deploy/web")


@pytest.mark.embedded_only
@pytest.mark.parametrize("kubectl", [NEWEST], indirect=True)
def test_a_command_runs_in_a_container(kubectl, manifest):
    kubectl("apply", "-f", str(manifest))
    kubectl("rollout", "status", "deploy/web", "--timeout=75s")
    assert kubectl("exec", "deploy/web", "--", "echo", "hi") == "hi\n"
    assert "no\n" in kubectl("exec", "deploy/web", "--", "sh", "-c", "echo no >&2; exit 3", code=3)
    assert "executable file not found" in kubectl("exec", "deploy/web", "--", "nothing", code=1)
    assert "say what to run: sh -c" in kubectl("exec", "-i", "deploy/web", "--", "sh", code=1)
