"""The portal as production runs it: each service a process of its own, with real Redis and a real database."""

import atexit
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.house.tree import ROOT
from tests.services import end, free_port

BIN = Path(sys.executable).parent
SQLITE = "sqlite:///"
MIGRATE = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def command_of(service: str) -> list[str]:
    """The command of a service of the compose file."""
    return [str(word) for word in SERVICES[service]["command"]]


def probe_of(service: str) -> list[str]:
    """Its health check."""
    kind, *command = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    return command


def settings_beside(folder: Path, kubeconfig: Path, redis: str) -> dict[str, str]:
    """The settings of a portal whose cluster is reached with this kubeconfig, with its database in `folder`."""
    return {
        "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
        "CELERY_BROKER_URL": redis,
        "SGPORTAL_CLUSTER": "kubeconfig",
        "SGPORTAL_TLS": "0",
        "SGPORTAL_STATIC_FROM_SOURCE": "1",
        "KUBECONFIG": str(kubeconfig),
        "UVICORN_HOST": "127.0.0.1",
        "UVICORN_PORT": str(free_port()),
    }


@dataclass
class Portal:
    """Processes that share settings. Everything they say is in files in `folder`."""

    folder: Path
    settings: Mapping[str, str]
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    root: Path = ROOT  # the checkout that they run

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return {
            **kept,
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "sgportal.settings",
            **self.settings,
        }

    def run(self, command: Sequence[str], check: bool = True, **options: Any) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        options = {"capture_output": True, "text": True, "timeout": 90, "cwd": self.root, **options}
        done = subprocess.run(command, env=self.environment, check=False, **options)
        assert done.returncode == 0 or not check, done.stderr + done.stdout
        return done

    def migrate(self) -> None:
        """Have its empty database as `manage.py migrate` leaves it: a copy of one that was migrated once, which takes a
        hundredth of the time."""
        url = self.settings["DATABASE_URL"]
        if url.startswith(SQLITE):
            shutil.copyfile(_migrated_file(), url.removeprefix(SQLITE))
            return
        server, _, name = url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as link:
            if link.execute("SELECT FROM pg_database WHERE datname = 'migrated'").fetchall():
                link.execute(f"DROP DATABASE {name}")
                link.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
            else:
                self.run(MIGRATE)
                link.execute(f"CREATE DATABASE migrated TEMPLATE {name}")

    def python(self, text: str) -> str:
        """Run a piece of Python with Django set up; what it prints."""
        return self.run([sys.executable, "-c", f"import django\ndjango.setup()\n{text}"]).stdout.strip()

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen:
        """Start a process in a group of its own."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.running[name] = process
        return process

    def kill(self, name: str) -> None:
        """End a process and all its children as a power cut would."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop(self) -> dict[str, int]:
        """End everything in order; the exit codes."""
        codes = {}
        for name, process in reversed(self.running.items()):
            codes[name] = end(process, 30)
        self.running.clear()
        return codes


@functools.cache
def _migrated_file() -> Path:
    """A SQLite database that nobody has open, as migrations leave it."""
    folder = Path(tempfile.mkdtemp(prefix="sgportal-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Portal(folder, {"SECRET_KEY": "any", "DATABASE_URL": f"{SQLITE}{folder}/portal.sqlite3"}).run(MIGRATE)
    (made,) = folder.iterdir()  # no journal is left
    return made
