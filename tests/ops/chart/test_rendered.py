"""The chart and deploy/kustomize: one source, what the processes are told, and what their pods may do."""

import re
import subprocess

import pytest
import yaml

from sgportal.core.policy import pod_security
from sgportal.version import VERSION
from tests.house.tree import ROOT, text
from tests.kube import binaries
from tests.kube.helm import build as helm

from ..access.rbac import ALLOWED_BY_NAME, MANIFEST, granted
from ..runtime.processes import command_of
from . import manifests

PROFILES = pytest.mark.parametrize("profile", manifests.PROFILES)
PROCESSES = {"web", "worker", "watch", "keeper"}


@pytest.mark.helm
def test_helm_finds_nothing_to_object_to():
    done = subprocess.run([str(helm.find()), "lint", "--strict", str(manifests.CHART)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.kubernetes
@PROFILES
def test_kustomize_builds(profile):
    command = [str(binaries.find("kubectl")), "kustomize", str(manifests.KUSTOMIZE / "overlays" / profile)]
    built = list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    generated = [each["metadata"]["name"] for each in built if each["kind"] == "ConfigMap"]
    assert len(generated) == 1
    used = {
        source["configMapRef"]["name"]
        for each in built
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
        for source in container.get("envFrom", ())
    }
    assert used == set(generated)  # so that another setting begins the pods anew


@PROFILES
def test_every_process_runs_by_the_command_of_the_compose_file(profile):
    commands = {container["name"]: container["command"] for _, container in manifests.ours(profile)}
    assert commands.keys() == PROCESSES
    for name, command in commands.items():
        assert command == command_of(name)


@PROFILES
def test_every_variable_is_a_known_setting(profile):
    """Nothing is passed that no code reads, and nothing twice."""
    known = set(re.findall(r"^\| `([A-Z_]+)`", text("README.md"), re.M)) | {"PGPASSWORD", "REDIS_PASSWORD"}
    given = manifests.settings(profile)
    for _, container in manifests.ours(profile):
        own = [each["name"] for each in container["env"]]
        assert {*own, *given} <= known
        assert not set(own) & given.keys()


@PROFILES
def test_every_pod_keeps_the_restricted_standard(profile):
    """By the product's own reading of it; the API server's is asked in test_installed.py."""
    templates = [each["spec"]["template"] for each in manifests.workloads(profile)]
    assert templates
    for template in templates:
        spec = template["spec"]
        assert list(pod_security.violations("restricted", template, "")) == []
        for container in [*spec.get("initContainers", ()), *spec["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]


@PROFILES
def test_migrations_come_before_every_process(profile):
    for spec, _ in manifests.ours(profile):
        assert [each["command"][-1] for each in spec["initContainers"]] == ["migrateonce"]


@PROFILES
def test_every_process_is_looked_after(profile):
    for spec, container in manifests.ours(profile):
        assert {"startupProbe", "livenessProbe"} <= container.keys()
        assert ("readinessProbe" in container) == (container["name"] == "web")
        start = container["startupProbe"]
        assert start["periodSeconds"] * start["failureThreshold"] >= 300  # on a busy node a Python takes its time
        assert all(
            container[each]["timeoutSeconds"] >= 60 for each in ("startupProbe", "livenessProbe") if "exec" in start
        )
        assert spec["terminationGracePeriodSeconds"] > 30  # what a worker may take to end (management/supervisor)


def test_high_availability_is_two_of_each_on_different_nodes():
    found = {each["metadata"]["name"]: each for each in manifests.workloads("ha")}
    assert found.keys() == {f"sgportal-{name}" for name in PROCESSES}
    budgets = {each["metadata"]["name"] for each in manifests.objects("ha") if each["kind"] == "PodDisruptionBudget"}
    assert budgets == found.keys()
    for each in found.values():
        assert each["spec"]["replicas"] == 2
        assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        spread = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        on_nodes = [row["whenUnsatisfiable"] for row in spread if row["topologyKey"] == "kubernetes.io/hostname"]
        assert on_nodes == ["DoNotSchedule"]


@PROFILES
def test_the_roles_are_those_of_the_manifest(profile):
    """deploy/rbac.yaml is the one source; only the role to install definitions is left out, since helm or kustomize
    installs them."""
    wanted = granted([each for each in manifests.documents(ROOT / MANIFEST) if _name(each) != "sgportal-definitions"])
    assert granted(manifests.objects(profile)) == wanted
    assert ("apiextensions.k8s.io", "customresourcedefinitions") in ALLOWED_BY_NAME


def _name(body: dict) -> str:
    return body["metadata"]["name"]


@PROFILES
def test_the_definitions_are_those_of_the_product(profile):
    found = [each for each in manifests.objects(profile) if each["kind"] == "CustomResourceDefinition"]
    assert {_name(each): each["spec"] for each in found} == {
        _name(each): each["spec"] for each in manifests.documents(ROOT / "deploy" / "crds.yaml")
    }


def test_the_version_is_the_products():
    chart = yaml.safe_load((manifests.CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == VERSION
    assert f"ARG VERSION={VERSION}\n" in text("Dockerfile")


@pytest.mark.helm
def test_what_a_namespace_of_another_name_changes():
    """Subjects, the policy's account, and where the portal's Services are."""
    made = manifests.template("--set", "definitions=portal,slicesPolicy=true")
    assert "system:serviceaccount:sgportal:" not in yaml.safe_dump_all(made)
    assert {each["namespace"] for body in made for each in body.get("subjects", ())} == {"edge"}
    assert {body["metadata"].get("namespace", "edge") for body in made} == {"edge"}
    policies = [each for each in made if each["kind"] == "ValidatingAdmissionPolicy"]
    assert {_name(each) for each in policies} == {"sgportal-dry-runs", "sgportal-slices"}
    assert all("system:serviceaccount:edge:sgportal" in yaml.safe_dump(each) for each in policies)
    told = next(body["data"] for body in made if body["kind"] == "ConfigMap")
    assert (told["SGPORTAL_NAMESPACE"], told["SGPORTAL_INSTALL_CRDS"]) == ("edge", "1")
    assert granted(made) == granted(manifests.documents(ROOT / MANIFEST))


@pytest.mark.helm
def test_host_names_become_addresses_that_forms_may_come_from():
    made = manifests.template("--set", "hosts={a.example,b.example}", "--set", "ingress.enabled=true")
    told = next(body["data"] for body in made if body["kind"] == "ConfigMap")
    assert told["ALLOWED_HOSTS"] == "a.example,b.example,localhost"
    assert told["CSRF_TRUSTED_ORIGINS"] == "https://a.example,https://b.example"
    ingress = next(body for body in made if body["kind"] == "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["a.example", "b.example"]


@pytest.mark.helm
@PROFILES
def test_to_restore_a_backup_nothing_runs_that_writes(profile):
    values = str(manifests.CHART / "profiles" / f"{profile}.yaml")
    made = manifests.template("-f", values, "--set", "maintenance=true")
    processes = [
        container["name"]
        for each in made
        if each["kind"] == "Deployment" and each["spec"].get("replicas", 1)
        for container in each["spec"]["template"]["spec"]["containers"]
    ]
    assert set(processes) - {"redis"} == {"web"}


@pytest.mark.helm
def test_the_secret_of_the_openid_connect_client_comes_from_the_secret():
    issuer = "settings.SGPORTAL_OIDC_ISSUER=https://sso.example"
    mine = ("--set", "secret.existing=mine")
    made = [
        each["spec"]["template"]
        for each in manifests.template("--set", issuer, *mine)
        if "template" in each.get("spec", {})
    ]
    wanted = {"name": "mine", "key": "SGPORTAL_OIDC_CLIENT_SECRET", "optional": True}
    for container in made[0]["spec"]["containers"]:
        env = {each["name"]: each.get("valueFrom", {}).get("secretKeyRef") for each in container["env"]}
        assert env["SGPORTAL_OIDC_CLIENT_SECRET"] == wanted
    assert "SGPORTAL_OIDC_CLIENT_SECRET" not in str(manifests.template(*mine))
