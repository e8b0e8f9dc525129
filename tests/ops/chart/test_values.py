"""The values of the chart: what is refused, and what becomes of those that are taken."""

import subprocess

import pytest
import yaml

from tests.kube.helm import build as helm

from . import manifests

POSTGRESQL = ("--set", "database.kind=postgresql,secret.databaseUrl=postgresql://u:123@db.example:6432/portal")


def refusal(*arguments: str) -> str:
    command = [str(helm.find()), "template", "sgportal", str(manifests.CHART), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode, f"{arguments} are taken"
    return done.stderr


@pytest.mark.helm
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "worker.replicas=2"], "worker.replicas must be 1 with SQLite"),
        (["--set", "database.kind=postgresql"], "secret.databaseUrl or secret.existing"),
        (["--set", "ingress.enabled=true"], "ingress.enabled needs hosts"),
        (["--set", "metrics.serviceMonitor=true"], "needs metrics.open"),
        (["--set", "database.kind=mysql"], "database/kind"),
        (["--set", "tls=yes please"], "tls"),
        (["--set", "replicas=2"], "replicas"),
        (["--set", "settings.lower=1"], "lower"),
        (["--set", "settings.SECRET_KEY=x"], "SECRET_KEY"),
        (["--set", "settings.SGPORTAL_OIDC_CLIENT_SECRET=x"], "SGPORTAL_OIDC_CLIENT_SECRET"),
        (["--set", "settings.SGPORTAL_CACHE_URL=redis://:password@redis/0"], "/settings/SGPORTAL_CACHE_URL"),
        (["--set", "image.repository=registry.example/sgportal:1"], "/image/repository"),
        (["--set", "nodeSelector.disk=1"], "/nodeSelector/disk"),
        (["--set", "web.resources.limits.memory=much"], "/web/resources/limits/memory"),
        (["--set", "secret.databaseUrl=postgresql://db.example/portal"], "need database.kind postgresql"),
        (["--set", "postgresql.enabled=true"], "need database.kind postgresql"),
        (["--set", "secret.existing=mine,secret.brokerUrl=redis://redis.example"], "secret.existing"),
        ([*POSTGRESQL, "--set", "postgresql.enabled=true"], "two databases"),
        ([*POSTGRESQL, "--set", "redis.enabled=true,secret.brokerUrl=redis://redis.example"], "two queues"),
        (["--set", "roles=portal"], "/roles"),
        (["--set", "hosts[0]=https://portal.example"], "hosts"),
        (["--set", "web.replicas=-1"], "replicas"),
        (["--set", "definitions=helm"], "definitions"),
    ],
)
def test_what_would_not_work_is_refused(arguments, says):
    assert says in refusal(*arguments)


def settings_of(*arguments):
    """What each process is told by its ConfigMap."""
    made = manifests.template(*arguments)
    (found,) = [each["data"] for each in made if each["kind"] == "ConfigMap" and "ALLOWED_HOSTS" in each["data"]]
    return found


@pytest.mark.helm
def test_the_collector_of_traces_is_a_setting_of_every_process():
    plain = settings_of()
    found = settings_of("--set", "tracing.endpoint=http://collector:4318,tracing.ratio=0.25")
    assert found == plain | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
    }
    assert "/tracing/endpoint" in refusal("--set", "tracing.endpoint=collector:4317")


@pytest.mark.helm
def test_the_values_of_logs_are_settings_of_every_process():
    asked = settings_of("--set", "logs.format=json,logs.level=DEBUG")
    assert asked == {**settings_of(), "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
    assert "/logs/format" in refusal("--set", "logs.format=xml")


@pytest.mark.helm
def test_numbers_of_a_file_of_values_stay_as_they_are_written(tmp_path):
    """YAML's numbers are floats to helm, which as text are 1e+06."""
    values = tmp_path / "values.yaml"
    given = {"SGPORTAL_DELETE_BRAKE_SECONDS": 1_000_000, "SGPORTAL_AUDIT_DAYS": 0, "OTEL_X": 0.25}
    values.write_text(yaml.safe_dump({"settings": given}))
    told = settings_of("-f", str(values))
    assert {name: told[name] for name in given} == {name: str(value) for name, value in given.items()}


@pytest.mark.helm
def test_ports_that_values_name_may_be_reached():
    addresses = {
        "tracing.endpoint": "http://collector:4318",
        "settings.SGPORTAL_OIDC_ISSUER": "https://sso.example:8443/realms/edge",
        "settings.SGPORTAL_PROMETHEUS_URL": "http://prometheus.monitoring",
        "settings.SGPORTAL_GATE_HOSTS": r"a.example:9090\,b.example:9091",
    }
    made = manifests.template(
        *POSTGRESQL, *(word for name, url in addresses.items() for word in ("--set", f"{name}={url}"))
    )
    policy = next(each for each in made if each["metadata"]["name"] == "sgportal" and each["kind"] == "NetworkPolicy")
    ports = [each["port"] for each in policy["spec"]["egress"][0]["ports"]]
    assert sorted(ports) == [53, 53, 80, 443, 4318, 5432, 6379, 6432, 6443, 8443, 9090, 9091]


@pytest.mark.helm
def test_another_url_in_the_charts_own_secret_begins_the_pods_anew():
    def told(*more):
        made = manifests.template("--set", "database.kind=postgresql", *more)
        return {
            each["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for each in made
            if each["kind"] == "Deployment"
        }

    first, again, other = (told("--set", f"secret.databaseUrl=postgresql://{host}/x") for host in "aab")
    assert first == again != other
    assert len(first) == len(other) == 1


@pytest.mark.helm
def test_who_may_make_no_roles_leaves_them_to_somebody_else():
    """What is left out is in deploy/rbac.yaml, the ServiceAccount with it."""
    left = {(each["kind"], each["metadata"]["name"]) for each in manifests.template("--set", "roles=none")}
    more = ("podLogs=admin", "exec=admin", "usage=true", "impersonation=true", "names=true", "slicesPolicy=true")
    with_all = {
        (each["kind"], each["metadata"]["name"])
        for each in manifests.template("--set", ",".join(("roles=none", *more)))
    }
    assert left == with_all
    assert not {kind for kind, _ in left} & {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role"}
