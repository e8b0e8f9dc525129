"""What a benchmark stands on: a cluster, Redis, an empty database, and the portal's processes as in production."""

import contextlib
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml


@contextlib.contextmanager
def stage(world: str) -> Iterator[Path]:
    """Django set up on an empty database, and a cluster showing `world` to connect to: `large:<nodes>x<units>` is the
    embedded cluster, `kube:<nodes>x<units>` a real control plane, `api:<nodes>x<units>` an API server without
    controllers, `at:<port>` whatever listens there. The folder of the database."""
    from tests.services import run_redis

    cluster = CLUSTERS.get(world.partition(":")[0], cluster_process)
    real = cluster is not cluster_process
    with (
        tempfile.TemporaryDirectory(prefix="sgportal-bench-") as name,
        run_redis(Path(name)) as redis,
        database(Path(name)) as address,
        cluster(world) as kubeconfig,
    ):
        os.environ.update(
            {"KUBECONFIG": kubeconfig} if real else {"SGPORTAL_DEMO_KUBECONFIG": kubeconfig},
            SECRET_KEY="only-for-benchmarks",  # noqa: S106
            DATABASE_URL=address,
            CELERY_BROKER_URL=redis.url,
            SGPORTAL_CLUSTER="kubeconfig" if real else "demo",
            SGPORTAL_TLS="0",
            SGPORTAL_STATIC_FROM_SOURCE="1",
            STATIC_ROOT=name,
            ALLOWED_HOSTS="testserver",
            LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="sgportal.settings",
        )
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        yield Path(name)


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of an empty database: PostgreSQL as in production where it is installed, else SQLite."""
    from tests.services import postgres_folder, run_postgres

    if not postgres_folder():
        yield f"sqlite:///{folder}/bench.sqlite3"
        return
    with run_postgres(folder) as postgres:
        yield postgres.url()


@contextlib.contextmanager
def cluster_process(world: str) -> Iterator[str]:
    """An embedded cluster in another process; the path of its kubeconfig."""
    command = [sys.executable, "-m", "embedded_cluster", "--world", world]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter
    try:
        said = "".join(itertools.islice(process.stdout or (), 2))
        found = re.search(r"KUBECONFIG=(\S+)", said)
        if not found:
            raise RuntimeError(f"the embedded cluster did not start: {said}")
        yield found[1]
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def control_plane(world: str) -> Iterator[str]:
    """A real control plane with `kube:<nodes>x<units>`, labelled `site=unit-<n>`; the path of an administrator's
    kubeconfig. Nodes say that they live once an hour, so that their heartbeats are not what is measured."""
    from tests.kube.control_plane import run

    nodes, units = map(int, world.removeprefix("kube:").split("x"))
    calm = {"kubelets": ["--lease=1h"], "manager": ["--node-monitor-grace-period=10h"]}
    with tempfile.TemporaryDirectory(prefix="sgportal-kube-") as folder, run(Path(folder), **calm) as plane:

        def add(number: int) -> None:
            plane.add_node(f"edge-{number:05}", number, site=f"unit-{number % units:04}")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(add, range(nodes)))
        yield str(plane.kubeconfig())


@contextlib.contextmanager
def nodes_alone(world: str) -> Iterator[str]:
    """An API server without controllers, with `api:<nodes>x<units>`, labelled as those of `control_plane`, all Ready;
    the path of an administrator's kubeconfig."""
    from tests.kube.control_plane import ControlPlane

    nodes, units = map(int, world.removeprefix("api:").split("x"))
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    with tempfile.TemporaryDirectory(prefix="sgportal-kube-") as folder:
        # A pod needs no ServiceAccount, which a controller would make.
        plane = ControlPlane(Path(folder), apiserver=["--disable-admission-plugins=ServiceAccount"])
        try:
            for name in ("etcd", "kube-apiserver"):
                plane.processes[name].start()
            plane.until_ready()

            def add(number: int) -> None:
                metadata = {"name": f"edge-{number:05}", "labels": {"site": f"unit-{number % units:04}"}}
                body = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"conditions": [ready]}}
                plane.request("POST", "/api/v1/nodes", body)

            with ThreadPoolExecutor(16) as pool:
                list(pool.map(add, range(nodes)))
            yield str(plane.kubeconfig())
        finally:
            plane.stop()


@contextlib.contextmanager
def elsewhere(world: str) -> Iterator[str]:
    """What listens on a port of this machine already (`at:<port>`); the path of a kubeconfig."""
    with tempfile.TemporaryDirectory(prefix="sgportal-kube-") as folder:
        named = {"name": "it", "cluster": {"server": f"http://127.0.0.1:{world.removeprefix('at:')}"}}
        context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
        user = {"name": "it", "user": {"token": "none"}}
        said = {"clusters": [named], "contexts": [context], "users": [user], "current-context": "it"}
        path = Path(folder) / "config"
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **said}))
        yield str(path)


CLUSTERS = {"kube": control_plane, "api": nodes_alone, "at": elsewhere}


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[str]:
    """etcd and an API server, without controllers; the path of an administrator's kubeconfig."""
    from tests.kube.control_plane import ControlPlane

    plane = ControlPlane(folder)
    try:
        for name in ("etcd", "kube-apiserver"):
            plane.processes[name].start()
        plane.until_ready()
        yield str(plane.kubeconfig())
    finally:
        plane.stop()


def compiled(source: Path, package: str, folder: Path) -> Path:
    """The path of a program in Go, compiled into a folder."""
    program = folder / "program"
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-o", str(program), package]
    subprocess.run(command, cwd=source, check=True)  # noqa: S603 - Go's own compiler
    return program


COMPOSE = Path(__file__).parent.parent / "docker-compose.yml"


@contextlib.contextmanager
def portal(*names: str) -> Iterator[dict[str, int]]:
    """The watch and the worker, or the services named, by the commands of docker-compose.yml; the process
    id of each. What is watched has been seen when it begins."""
    from django.utils import timezone

    from sgportal.management.demo_world import is_mirrored

    since = timezone.now()
    names = names or ("watch", "worker")
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(process(command(name))) for name in names}
        if "watch" in names:
            wait(lambda: is_mirrored(since), 120, "the cluster has been listed")
        yield running


def command(name: str) -> list[str]:
    """The command of a service of docker-compose.yml."""
    return list(yaml.safe_load(COMPOSE.read_text())["services"][name]["command"])


@contextlib.contextmanager
def process(command: Sequence[str]) -> Iterator[int]:
    """A process of ours while the block runs; its id."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(  # noqa: S603 - our own
        ["/usr/bin/env", *command], env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def memory(pid: int) -> float:
    """What a process and all that it started hold now, in MiB: pages that several share are counted in parts (PSS)."""
    return sum(map(_pss, family(pid))) / 1024


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:")))


def wait(check: Callable[[], Any], seconds: float, what: str, pause: float = 0.01) -> Any:
    """The first true answer. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(pause)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


def grid(name: str, key: str = "site", replicas: int = 1, image: str = "registry.example/app:1") -> dict[str, Any]:
    """A DeploymentGrid's manifest."""
    labels = {"app": name}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }
    template = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "DeploymentGrid",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"gridUniqKey": key, "template": template},
    }


def save(*manifests: dict[str, Any]) -> None:
    """Save grids as a person would."""
    from sgportal.actions import Actor, save_grids

    save_grids(manifests, Actor("bench", "shell"))


def settled() -> bool:
    """Whether no key is due and nobody is at one."""
    from sgportal.models import WorkKey

    return not WorkKey.objects.due().exists() and not WorkKey.objects.exclude(lease_until=None).exists()


def deployments(prefix: str) -> set[str]:
    """The names of the live Deployments that begin with `prefix`."""
    from sgportal.reconciler.process.connection import cluster

    listed = cluster().list("Deployment", "default", metadata_only=True).items
    return {each["metadata"]["name"] for each in listed if each["metadata"]["name"].startswith(prefix)}


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` per cent of the values do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def milliseconds(work: Callable[[], Any]) -> float:
    """How long it takes."""
    since = time.perf_counter()
    work()
    return (time.perf_counter() - since) * 1000


def in_background(work: Callable[[], None]) -> threading.Thread:
    """Run it in a thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
