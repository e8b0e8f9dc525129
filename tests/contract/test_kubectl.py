"""What people type: kubectl itself, against the API server under contract."""

import subprocess

import pytest

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


@pytest.fixture
def kubectl(server, namespace, tmp_path):
    def run(*words, code=0, timeout=30):
        command = [
            "kubectl",
            "--kubeconfig",
            str(server.kubeconfig),
            f"--cache-dir={tmp_path}",
            "-n",
            namespace,
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr

    return run


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "bundle.yaml"
    path.write_text(MANIFEST)
    return path


def test_nodes_are_listed_described_and_labelled(kubectl):
    name = kubectl("get", "nodes", "-o", "name").split()[0]
    assert "STATUS" in kubectl("get", "nodes", "-o", "wide")
    assert "Conditions:" in kubectl("describe", name)
    assert "labeled" in kubectl("label", name, "contract.example.com/probe=x", "--overwrite")
    assert name in kubectl("get", "nodes", "-l", "contract.example.com/probe=x", "-o", "name")
    assert "unlabeled" in kubectl("label", name, "contract.example.com/probe-")


def test_apply_diff_and_delete(kubectl, manifest):
    assert kubectl("apply", "-f", str(manifest)).count("created") == 2
    assert kubectl("apply", "-f", str(manifest)).count("unchanged") == 2
    assert "web" in kubectl("get", "deploy,svc", "-o", "wide")
    assert "Selector:" in kubectl("describe", "deploy", "web")
    manifest.write_text(MANIFEST.replace("img:1", "img:2"))
    assert "+      - image: img:2" in kubectl("diff", "-f", str(manifest), code=1)
    assert "configured" in kubectl("apply", "-f", str(manifest))
    assert "scaled" in kubectl("scale", "deploy/web", "--replicas=1")
    assert kubectl("delete", "-f", str(manifest), "--timeout=20s").count("deleted") == 2


def test_apply_on_the_server_side_says_what_conflicts(kubectl, manifest):
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", str(manifest))
    kubectl("scale", "deploy/web", "--replicas=1")
    manifest.write_text(MANIFEST.replace("replicas: 2", "replicas: 3"))
    assert "conflict" in kubectl("apply", "--server-side", "-f", str(manifest), code=1)
    assert "applied" in kubectl("apply", "--server-side", "--force-conflicts", "-f", str(manifest))


def test_a_bad_manifest_is_refused_with_the_field(kubectl, manifest):
    manifest.write_text(MANIFEST.replace("labels: {app: web}", "labels: {app: other}"))
    assert "does not match template `labels`" in kubectl("apply", "-f", str(manifest), code=1)


@pytest.mark.embedded_only
def test_a_rollout_is_followed_and_undone(kubectl, manifest):
    kubectl("apply", "-f", str(manifest))
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=20s")
    assert "condition met" in kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s")
    assert kubectl("get", "pods", "-o", "wide", "--no-headers").count("Running") == 2
    kubectl("set", "image", "deploy/web", "c=img:2")
    kubectl("rollout", "status", "deploy/web", "--timeout=20s")
    assert len(kubectl("rollout", "history", "deploy/web").split("\n1 ")) == 2
    kubectl("rollout", "undo", "deploy/web")
    kubectl("rollout", "status", "deploy/web", "--timeout=20s")
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={..image}").strip() == "img:1"
    assert "started on" in kubectl("logs", "deploy/web")


@pytest.mark.embedded_only
def test_a_watch_shows_what_happens(server, kubectl, manifest):
    command = ["get", "configmaps", "-w", "--request-timeout=3s", "--no-headers", "-o", "name"]
    kubectl("create", "-f", str(manifest))
    assert "configmap" not in kubectl(*command)
    assert "pod/web" in kubectl("get", "pods", "-w", "--request-timeout=3s", "-o", "name")
