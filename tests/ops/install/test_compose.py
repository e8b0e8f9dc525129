"""docker-compose.yml: its structure, and each service's own command run against real Redis and PostgreSQL."""

import json
import re
import signal
import subprocess
import sys

import pytest
import redis
import yaml

from tests.house.tree import ROOT, text
from tests.services import free_port, wait_for

from ..access import walk
from ..runtime.processes import COMPOSE, SERVICES, Portal, command_of, probe_of

OURS = ("web", "worker", "watch", "keeper", "migrate")
HOST = "portal.example"


def test_one_image_for_all_our_services():
    assert {SERVICES[name]["image"] for name in OURS} == {"sgportal"}
    assert {SERVICES[name]["build"] for name in OURS} == {"."}


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_every_service_says_whether_it_is_well(name):
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_nothing_starts_before_what_it_needs(name):
    wanted = {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_started"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert SERVICES[name]["depends_on"] == wanted


@pytest.mark.parametrize("name", OURS)
def test_our_services_may_do_little(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_only_the_web_is_published_and_on_loopback_unless_told():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web"]
    assert SERVICES["web"]["ports"] == ["${BIND:-127.0.0.1}:${PORT:-8000}:8000"]


def test_every_variable_is_a_known_setting():
    """Nothing is passed that no code reads."""
    known = set(re.findall(r"^\| `([A-Z_]+)`", text("README.md"), re.M))
    for name in OURS:
        assert SERVICES[name]["environment"].keys() <= known


def test_the_image_is_not_root_and_locked():
    lines = text("Dockerfile")
    assert re.search(r"^USER 10001$", lines, re.M)
    assert lines.count("--require-hashes") == lines.count("install --quiet") == 3
    assert "requirements/dev.txt" not in lines


def test_the_image_takes_only_what_it_is_made_of():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.M)
    allowed = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    assert {name for each in copied for name in each.split()} == allowed
    assert all((ROOT / name).exists() for name in allowed)


@pytest.fixture(scope="module")
def statics(tmp_path_factory):
    """The static files, gathered by the very command of the Dockerfile."""
    folder = tmp_path_factory.mktemp("static")
    step = re.search(r"manage\.py (collectstatic.*?)\n\n", text("Dockerfile"), re.S)[1].replace("\\\n", " ")
    portal = Portal(
        folder, {"SECRET_KEY": "k", "DATABASE_URL": "sqlite:///:memory:", "STATIC_ROOT": str(folder / "all")}
    )
    portal.run(["sh", "-c", f"{sys.executable} manage.py {step}"])
    return folder / "all"


def test_the_image_gathers_what_pages_need_and_little_more(statics):
    size = sum(path.stat().st_size for path in statics.rglob("*") if path.is_file())
    assert size < 25_000_000
    assert json.loads((statics / "staticfiles.json").read_text())["paths"]
    assert list(statics.glob("**/mode-yaml*.js"))


@pytest.fixture
def portal(embedded_cluster, redis_server, postgres_server, statics, tmp_path):
    cluster = embedded_cluster("walkthrough")
    started = Portal(
        tmp_path,
        {
            "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": postgres_server.url(),
            "CELERY_BROKER_URL": redis_server.url,
            "SGPORTAL_CLUSTER": "kubeconfig",
            "SGPORTAL_TRUST_PROXY": "1",
            "KUBECONFIG": str(cluster.kubeconfig_path),
            "STATIC_ROOT": str(statics),
            "UVICORN_HOST": "127.0.0.1",
            "UVICORN_PORT": str(free_port()),
        },
    )
    redis_server.client().flushall()
    yield started
    started.stop()


@pytest.mark.redis
@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_the_services_together_do_the_walk_through(portal):
    """migrate, then web, worker, watch and keeper; each becomes healthy; the walk-through; each ends when told."""
    portal.run(command_of("migrate"))
    assert {name: portal.run(probe_of(name), check=False).returncode for name in ("web", "worker", "watch")} == {
        "web": 1,
        "worker": 1,
        "watch": 1,
    }
    for name in ("web", "worker", "watch", "keeper"):
        portal.start(name, command_of(name))
    for name in ("web", "worker", "watch", "keeper"):
        wait_for(lambda name=name: portal.run(probe_of(name), check=False).returncode == 0, 75, f"{name} is healthy", 1)

    door = walk.Door(f"http://127.0.0.1:{portal.settings['UVICORN_PORT']}", _token(portal), HOST)
    wait_for(lambda: len(door.get("nodes")["items"]) == 3, 75, "the nodes have been seen")
    walk.walk_through(door)
    walk.tidy(door)
    codes = portal.stop()
    assert codes.pop("web") in (0, -signal.SIGTERM)  # uvicorn closes in order and then ends by the signal it was sent
    assert codes == {"worker": 0, "watch": 0, "keeper": 0}


def _token(portal: Portal) -> str:
    return portal.python(
        "from django.contrib.auth import get_user_model\n"
        "from sgportal.models import ApiToken\n"
        "user = get_user_model().objects.create_superuser('ada', password='correct horse')\n"
        "print(ApiToken.issue(user, 'test', 'write')[1])"
    )


def test_the_compose_file_is_yaml_that_an_engine_reads():
    """Anchors and merges resolve; where an engine's own reader is installed, it agrees."""
    assert yaml.safe_load(text("docker-compose.yml"))["services"]["worker"]["secrets"] == ["kubeconfig"]
    for name in ("migrate", "web", "worker", "watch", "keeper"):
        assert subprocess.list2cmdline(command_of(name))


def test_images_are_pinned_by_version():
    """A tag that moves would change what runs without anybody's doing."""
    images = [SERVICES[name]["image"] for name in ("postgres", "redis")]
    assert set(re.findall(r"^FROM (\S+)", text("Dockerfile"), re.M)) == {"${BASE}"}
    images += re.findall(r"^ARG BASE=(\S+)", text("Dockerfile"), re.M)
    assert len(images) == 3
    assert [each for each in images if not re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z0-9.-]+", each)] == []


@pytest.mark.redis
def test_redis_wants_its_password(tmp_path):
    """The very command of the compose file, with what .env would say in it."""
    port, password = free_port(), "secret0123456789"
    command = [re.sub(r"\$\{REDIS_PASSWORD:\?[^}]*\}", password, word) for word in command_of("redis")]
    with (tmp_path / "redis.log").open("wb") as log:
        extra = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
        process = subprocess.Popen([*command, *extra], stdout=log, stderr=log)
    try:
        url = SERVICES["worker"]["environment"]["CELERY_BROKER_URL"]
        url = re.sub(r"\$\{REDIS_PASSWORD:\?[^}]*\}", password, url).replace("@redis:6379", f"@127.0.0.1:{port}")
        wait_for(lambda: b"Ready to accept" in (tmp_path / "redis.log").read_bytes(), 75, "Redis listens")
        assert redis.Redis.from_url(url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
    finally:
        process.terminate()
        process.wait(75)


def test_the_web_process_believes_no_header_by_itself():
    """uvicorn would take X-Forwarded-For from anybody on loopback."""
    assert "--no-proxy-headers" in command_of("web")
    assert '"--no-proxy-headers"' in text("Dockerfile")


def test_the_proxy_on_this_host_is_trusted_and_no_other():
    gateway = COMPOSE["networks"]["default"]["ipam"]["config"][0]["gateway"]
    assert SERVICES["web"]["environment"]["SGPORTAL_TRUSTED_PROXIES"] == f"${{SGPORTAL_TRUSTED_PROXIES:-{gateway}}}"
    assert SERVICES["web"]["environment"]["SGPORTAL_TRUST_PROXY"] == "${SGPORTAL_TRUST_PROXY:-0}"
