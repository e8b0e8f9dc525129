"""What the faults happen to: PostgreSQL, Redis, and two of each of the portal's processes, begun anew when they end, as
an orchestrator does."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.ops.runtime.processes import Portal, command_of
from tests.ops.runtime.workers import TOKEN, children_of
from tests.services import Postgres, Redis, free_port, run_postgres, run_redis, wait_for

from .api import Api, through
from .snapshot import WAITING
from .wire import Wire
from .work import Door

SERVICES = ("web", "worker", "watch", "keeper")
RESTART_SECONDS = 2.0  # until what has ended is begun anew
PATIENCE = 120.0


@dataclass
class Setting:
    """All that runs. `api` reaches the API server as an administrator, past the wire."""

    folder: Path
    api: Api
    postgres: Postgres
    redis: Redis
    portal: Portal
    to_cluster: Wire
    to_database: Wire
    database: str  # past the wire
    plane: Any = None  # a ControlPlane, where the cluster is one
    of_each: int = 2
    ports: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    roots: dict[str, Path] = field(default_factory=dict)  # the checkout that a process is begun anew from
    preset: dict[str, dict[str, str]] = field(default_factory=dict)  # with what more in its environment
    anew: bool = False  # what there was has gone by the fault itself: that it was made again is no finding
    work_goes_on: threading.Event = field(default_factory=threading.Event)
    _expected: set[int] = field(default_factory=set)
    _down: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def names(self) -> list[str]:
        """The processes: web-0, web-1, worker-0, …"""
        return [name for service in SERVICES for name in self.each(service)]

    def each(self, service: str) -> list[str]:
        """The processes of a service."""
        return [f"{service}-{number}" for number in range(self.of_each)]

    def begin(self, name: str) -> None:
        """Start a process, as `roots` and `preset` say."""
        service = name.partition("-")[0]
        with self._lock:
            kept = self.portal.settings, self.portal.root
            port = str(self.ports.setdefault(name, free_port()))
            settings = {**kept[0], "UVICORN_PORT": port, **self.preset.get(name, {})}
            self.portal.settings, self.portal.root = settings, self.roots.get(name, kept[1])
            self.portal.start(name, command_of(service))
            self.portal.settings, self.portal.root = kept
            self._down.discard(name)

    def kill(self, name: str, number: int = signal.SIGKILL, stay_down: bool = False) -> None:
        """End a process and what it has begun as a power cut would; it is begun anew, unless it is to stay down."""
        with self._lock:
            process = self.portal.running[name]
            self._expected.add(process.pid)
            if stay_down:
                self._down.add(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def stop(self, name: str) -> int:
        """Ask a process to end and wait; its exit code. It stays down."""
        with self._lock:
            process = self.portal.running[name]
            self._expected.add(process.pid)
            self._down.add(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def restart_all(self, meanwhile: Callable[[], None]) -> None:
        """End every process in order, do something, and begin them again."""
        with self.paused():
            for name in self.names:
                self.stop(name)
            meanwhile()
            for name in self.names:
                self.begin(name)
        self.until(lambda: all(map(self.listens, self.each("web"))), "the web is ready")

    def rest(self) -> None:
        """Let no more be asked for, and wait until all that was is done."""
        self.work_goes_on.clear()
        time.sleep(2)  # what was asked for last is answered
        self.until(lambda: not self.rows(WAITING), "nothing waits")

    def paused(self) -> threading.RLock:
        """A lock: while it is held nothing is begun anew."""
        return self._lock

    @staticmethod
    def mount(place: Path, size: str) -> None:
        """A volume of this size, in memory, that others do not see and that ends with this process."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)

    @staticmethod
    def unmount(place: Path) -> None:
        """Take the volume away once nobody has anything open in it."""
        subprocess.run(["umount", "--lazy", place], check=True)

    def freeze(self, name: str, frozen: bool) -> None:
        """Stop a process and what it has begun in mid-instruction, or let them go on."""
        os.killpg(self.portal.running[name].pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def holder(self, lease: str) -> str:
        """The process that acts as the watch or the keeper, `watch-0`; "" where nobody does."""
        found = self.rows("SELECT holder FROM sgportal_lease WHERE name = %s", lease)
        pid = int(found[0][0].split(":")[1]) if found and found[0][0] else 0
        return next((name for name in self.names if pid in self.pids(name)), "")

    def pids(self, name: str) -> list[int]:
        """A process and those that it has begun."""
        process = self.portal.running.get(name)
        if process is None or process.poll() is not None:
            return []
        return [process.pid, *children_of(process.pid)]

    def rows(self, statement: str, *values: Any, fetch: bool = True) -> list[Any]:
        """What the database answers; nothing where it is not to `fetch`."""
        with psycopg.connect(self.database, autocommit=True, connect_timeout=5) as link:
            done = link.execute(statement, values)
            return done.fetchall() if fetch else []

    def manage(self, *words: str) -> str:
        """What a command of the portal says."""
        done = self.portal.run([sys.executable, "manage.py", *words])
        return f"{words[0]}: {(done.stderr + done.stdout).strip().splitlines()[-1]}"

    def etcd(self, call: str, **body: object) -> dict[str, Any]:
        """What etcd answers to a call of its JSON gateway."""
        asked = urllib.request.Request(f"{self.plane.etcd}/v3/{call}", json.dumps(body).encode())
        with urllib.request.urlopen(asked, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def note(self, text: str) -> None:
        """Say something in the fault's row."""
        print(f"    {text}", file=sys.stderr, flush=True)
        self.notes.append(text)

    def until(self, check: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """The first true answer."""
        return wait_for(check, seconds, what, pause=0.2)

    def door(self) -> Door:
        """Both web processes behind a balancer, as an administrator."""
        return Door([f"http://127.0.0.1:{self.ports[name]}" for name in self.each("web")], lambda: self.token)

    @property
    def token(self) -> str:
        """An administrator's, made at the beginning."""
        return (self.folder / "token").read_text()

    def use(self, database: str) -> None:
        """Make the tables and an administrator in a database, and have the processes use it that begin from now on."""
        self.database = database
        through_wire = database.replace(f":{self.postgres.port}/", f":{self.to_database.port}/")
        self.portal.settings = {**self.portal.settings, "DATABASE_URL": through_wire}
        self.portal.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"])
        (self.folder / "token").write_text(self.portal.python(TOKEN))

    def supervise(self) -> None:
        """Begin anew what has ended, and remember what did so by itself."""
        gone: dict[str, float] = {}
        while not self._over.wait(0.2):
            for name in self.names:
                with self._lock:
                    process = self.portal.running.get(name)
                    code = process.poll() if process else None
                    if process is None or code is None or name in self._down:
                        gone.pop(name, None)
                        continue
                    if name not in gone and process.pid not in self._expected:
                        self.ended.append(f"{name} ended by itself: {code}")
                    if time.monotonic() - gone.setdefault(name, time.monotonic()) >= RESTART_SECONDS:
                        self.begin(name)

    def listens(self, name: str) -> bool:
        """Whether a web process is ready for requests."""
        address = f"http://127.0.0.1:{self.ports[name]}/readyz"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
        return False


@contextlib.contextmanager
def setting(
    folder: Path,
    admin: Path,
    product: Path,
    plane: Any = None,
    of_each: int = 2,
    home: Path | None = None,
    **settings: str,
) -> Iterator[Setting]:
    """The portal on a cluster reached with these kubeconfigs, all of it running; PostgreSQL's data in `home`."""
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(run_redis(folder))
        postgres = stack.enter_context(run_postgres(folder, home))
        database, api = postgres.url(), Api(admin)
        to_cluster = Wire(int(api.server.rpartition(":")[2]))
        to_database = Wire(postgres.port)
        stack.callback(to_cluster.close)
        stack.callback(to_database.close)
        portal = Portal(
            folder,
            {
                "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
                "ALLOWED_HOSTS": "127.0.0.1",
                "CELERY_BROKER_URL": redis.url,
                "SGPORTAL_CLUSTER": "kubeconfig",
                "SGPORTAL_TLS": "0",
                "SGPORTAL_STATIC_FROM_SOURCE": "1",
                "SGPORTAL_RESYNC_SECONDS": "60",
                "KUBECONFIG": str(through(product, to_cluster.port, folder / "product.kubeconfig")),
                "UVICORN_HOST": "127.0.0.1",
                **settings,
            },
        )
        made = Setting(folder, api, postgres, redis, portal, to_cluster, to_database, database, plane, of_each)
        stack.callback(portal.stop)
        made.use(database)
        for name in made.names:
            made.begin(name)
        supervisor = threading.Thread(target=made.supervise, name="supervisor")
        supervisor.start()
        stack.callback(supervisor.join)
        stack.callback(made._over.set)
        made.until(lambda: all(map(made.listens, made.each("web"))), "the web is ready")
        yield made
