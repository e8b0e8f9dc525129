"""Real services for tests: Redis and PostgreSQL on loopback, started from what is installed here."""

import contextlib
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from .kube import binaries, kubectls
from .kube.coredns import build as coredns
from .kube.helm import build as helm
from .kube.promtool import build as promtool
from .kube.traefik import build as traefik

NOBODY = "nobody"  # PostgreSQL will not run as root


def postgres_folder() -> Path | None:
    """Where PostgreSQL's own commands are."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name, reverse=True)
    return Path(found).parent if found else next((each for each in folders if (each / "initdb").exists()), None)


def chromium() -> str | None:
    """The browser's command, where there is one and Playwright to drive it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    return found if importlib.util.find_spec("playwright") else None


def namespaces() -> bool:
    """Whether this process may make network namespaces and kube-proxy finds what it calls."""
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "iptables", "nft", "conntrack")))


def containers() -> bool:
    """Whether this process may give others a root of their own, as a container runtime does."""
    return os.geteuid() == 0 and all(map(shutil.which, ("unshare", "setpriv", "chroot")))


# Marker → (what to install, how to find it).
NEEDED: dict[str, tuple[str, Callable[[], object]]] = {
    "redis": ("redis-server", lambda: shutil.which("redis-server")),
    "postgres": ("PostgreSQL (initdb, postgres)", postgres_folder),
    "browser": ("Chromium", chromium),
    "kubectl": ("kubectl", lambda: shutil.which("kubectl")),
    "kubectls": ("kubectls of several versions (`make kube` gets them)", lambda: not kubectls.missing()),
    "kubernetes": ("a Kubernetes control plane (`make kube` compiles one)", lambda: not binaries.missing()),
    "helm": ("helm (`make kube` fetches it)", helm.find),
    "containers": ("mount namespaces (root, util-linux)", containers),
    "promtool": ("promtool (`make kube` fetches it)", promtool.find),
    "traefik": ("Traefik (`make kube` compiles it)", traefik.find),
    "coredns": ("CoreDNS (`make kube` compiles it)", coredns.find),
    "netns": ("network namespaces (root, iproute2, iptables, nftables, conntrack)", namespaces),
}


def missing() -> dict[str, str]:
    """The markers whose need is not installed here, each with what it is."""
    return {marker: what for marker, (what, find) in NEEDED.items() if not find()}


def _ports() -> Iterator[int]:
    """Ports below those that the kernel gives to connections, each worker of the test run having its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw3").removeprefix("gw")) % 4
    ports = range(20000 + 3000 * worker, 23000 + 3000 * worker)
    first = random.randrange(len(ports))
    return cycle((*ports[first:], *ports[:first]))


_PORTS = _ports()


def free_port() -> int:
    """A port nobody listens on just now, and that nobody else takes before it is listened on."""
    for port in islice(_PORTS, 3000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def wait_for(check: Callable[[], object], seconds: float, what: str, pause: float = 0.1) -> object:
    """The first true answer of `check`; an AssertionError naming `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def in_time(took: float, limit: float) -> bool:
    """Whether something took less than `limit` seconds, as on a machine at rest: where others have the processors, so
    many times more."""
    return took < limit or took < limit * _slowness()


def _slowness() -> float:
    """How many times longer than alone a piece of work takes: by the machine's load of the last minute, and by doing
    one now."""
    began, work = time.monotonic(), time.thread_time()
    while time.thread_time() - work < 0.1:
        pass
    return max(1.0, (time.monotonic() - began) / 0.1, os.getloadavg()[0] / (os.cpu_count() or 1))


def connects(port: int) -> bool:
    """Whether somebody listens on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def end(process: subprocess.Popen, seconds: float = 10, number: int = signal.SIGTERM) -> int:
    """Ask a process to end, insist after so many seconds; its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(5)


@dataclass
class Redis:
    """A Redis of our own, keeping nothing on disk. It can be stopped, killed and started again."""

    port: int
    folder: Path
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self):
        import redis

        return redis.Redis(port=self.port)

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=log, stderr=log)
        wait_for(lambda: connects(self.port), 75, "Redis listens")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process:
            end(self.process, number=number)


@contextlib.contextmanager
def run_redis(folder: Path, port: int = 0) -> Iterator[Redis]:
    """Redis, keeping nothing on disk, on this port or a free one."""
    redis = Redis(port or free_port(), folder)
    try:
        redis.start()
        yield redis
    finally:
        redis.stop()


@dataclass
class Postgres:
    """A PostgreSQL of our own, its data in `home`; `url()` is a fresh empty database. It can be stopped, killed and
    started again."""

    port: int
    folder: Path
    home: Path
    count: int = 0
    process: subprocess.Popen | None = None
    environment: dict[str, str] | None = None

    def url(self) -> str:
        import psycopg

        self.count += 1
        name = f"portal_{self.count}"
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="portal", dbname="postgres", autocommit=True
        ) as link:
            link.execute(f"CREATE DATABASE {name}")
        return f"postgresql://portal@127.0.0.1:{self.port}/{name}"

    def initialise(self) -> None:
        """Make its data, as another user where we are root, since it refuses to run as root."""
        data = self.home / "data"
        data.mkdir()
        if os.geteuid() == 0:
            self.home.chmod(0o755)
            owner = pwd.getpwnam(NOBODY)
            os.chown(data, owner.pw_uid, owner.pw_gid)
            os.chown(self.home, owner.pw_uid, owner.pw_gid)
        options = ["-D", data, "-U", "portal", "--auth=trust", "--no-sync", "--locale=C.UTF-8"]
        initdb = [*self._prefix(), f"{postgres_folder()}/initdb", *options]
        subprocess.run(list(map(str, initdb)), check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        data, own = self.home / "data", [f"unix_socket_directories={self.home}", "fsync=off"]
        (data / "postmaster.pid").unlink(missing_ok=True)  # of one that was killed
        options = [word for each in ("listen_addresses=127.0.0.1", *own) for word in ("-c", each)]
        serve = [*self._prefix(), f"{postgres_folder()}/postgres", "-D", str(data), "-p", str(self.port), *options]
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(serve, stdout=log, stderr=log, cwd="/", env=self.environment)
        wait_for(lambda: _answers(self.port), 75, "PostgreSQL answers")

    def stop(self) -> None:
        if self.process:
            end(self.process, number=signal.SIGINT)

    def kill(self) -> None:
        """End it and all that it has begun, as a power cut would."""
        pid = self.process.pid
        begun = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for each in (pid, *begun):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.process.wait(10)
        wait_for(lambda: not any(Path(f"/proc/{each}").exists() for each in begun), 75, "its processes are gone")

    @staticmethod
    def _prefix() -> list[str]:
        if os.geteuid():
            return []
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={pwd.getpwnam(NOBODY).pw_gid}", "--clear-groups"]


def _answers(port: int) -> bool:
    """Whether a PostgreSQL takes questions: it listens before it does."""
    import psycopg

    try:
        psycopg.connect(host="127.0.0.1", port=port, user="portal", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextlib.contextmanager
def run_postgres(folder: Path, home: Path | None = None) -> Iterator[Postgres]:
    """PostgreSQL with its data in a folder of its own, or in `home`."""
    # Not below pytest's own folders: those are private to root, and every test run that starts makes them so again.
    with contextlib.ExitStack() as stack:
        own = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sgportal-postgres-")))
        postgres = Postgres(free_port(), folder, own)
        stack.callback(postgres.stop)
        postgres.initialise()
        postgres.start()
        yield postgres
