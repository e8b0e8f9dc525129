"""Where the demo keeps its things, and the environment its settings are read from. Imports nothing of Django: it runs
before the settings load."""

import fcntl
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..places import STATE

WORLD = re.compile(r"sites|walkthrough|large:[1-9][0-9]{0,5}x[1-9][0-9]{0,4}")
_locks: list[int] = []  # held until the process ends


@dataclass(frozen=True)
class DemoState:
    """The folder of a demo (`root`), the sample world it shows and the port it serves. A world has a folder of its own,
    so that changing worlds loses nothing; secrets and the kubeconfig are shared."""

    root: Path
    world: str
    port: int

    @property
    def folder(self) -> Path:
        """What belongs to the world: the database and the embedded cluster's state."""
        return self.root / self.world.replace(":", "-")

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for people: it is there once what they may apply is served."""
        return self.root / "kubeconfig"

    @property
    def cluster(self) -> Path:
        """The embedded cluster's own folder."""
        return self.folder / "cluster"

    def secret(self, name: str, fixed: str = "", length: int = 18) -> str:
        """The text kept in the file `name`: `fixed` where it is given, else made once and kept."""
        path = self.root / name
        if fixed or not path.exists():
            text = fixed or secrets.token_urlsafe(length)
            path.touch(0o600)
            path.write_text(text)
            return text
        return path.read_text().strip()


def read_state() -> DemoState:
    """The demo that the environment asks for. Ends the process with a message where it asks for what cannot be."""
    port = os.environ.get("PORT", "8000")
    if not port.isdecimal() or int(port) > 65535:
        refuse(f"PORT must be a number from 0 (any free port) to 65535, not “{port}”")
    world = os.environ.get("DEMO_WORLD") or "sites"
    if not WORLD.fullmatch(world):
        refuse(f"DEMO_WORLD must be sites, walkthrough or large:<nodes>x<units> (large:2000x200), not “{world}”")
    token = os.environ.get("SGPORTAL_DEMO_TOKEN", "")
    if token and len(token) < 16:
        refuse("SGPORTAL_DEMO_TOKEN must have at least 16 characters")
    root = Path(os.environ.get("SGPORTAL_DEMO_DIR") or STATE / ".demo").resolve()
    return DemoState(root, world, int(port))


def prepare() -> None:
    """Make the demo's folder (emptied first with DEMO_RESET=1), claim it, and set the environment that the settings are
    read from, so that a demo never touches a real deployment's database, broker or cluster."""
    state = read_state()
    os.umask(0o077)
    try:
        state.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.root.chmod(0o700)
    except OSError as error:
        refuse(f"its state cannot be kept in {state.root} ({error.strerror}); name another folder by SGPORTAL_DEMO_DIR")
    _claim(state.root)
    if os.environ.get("DEMO_RESET", "") not in ("", "0"):
        _empty(state.root)
    static = state.folder / "static"  # empty: files are served from their source
    static.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.update(
        SECRET_KEY=state.secret("secret-key", length=48),
        DATABASE_URL=f"sqlite:///{state.folder / 'sgportal.sqlite3'}",
        CELERY_BROKER_URL="memory://localhost",
        SGPORTAL_CLUSTER="demo",
        SGPORTAL_HISTORY_LABELS=os.environ.get("SGPORTAL_HISTORY_LABELS", "tier"),
        SGPORTAL_DEMO_KUBECONFIG=str(state.cluster / "kubeconfig"),
        SGPORTAL_TLS="0",
        SGPORTAL_STATIC_FROM_SOURCE="1",
        STATIC_ROOT=str(static),
        ALLOWED_HOSTS="127.0.0.1,localhost,[::1]",
    )
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("SGPORTAL_POD_LOGS", "operator")
    os.environ.setdefault("SGPORTAL_EXEC", "operator")
    os.environ.setdefault("SGPORTAL_METRICS_SERVER", "1")
    os.environ.setdefault("SGPORTAL_USAGE_SECONDS", "15")


def _claim(root: Path) -> None:
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        refuse(f"a demo is already running on {root}; stop it, or name another folder with SGPORTAL_DEMO_DIR")
    _locks.append(descriptor)


def _empty(root: Path) -> None:
    """Remove a demo's own files. A folder that was never a demo's (no secret key in it) is left as it is."""
    if not (root / "secret-key").exists():
        return
    for each in root.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != "lock":
            each.unlink()


def refuse(message: str) -> NoReturn:
    """End the process: exit code 2, the message on standard error."""
    import sys

    print(f"sgportal demo: {message}", file=sys.stderr)
    raise SystemExit(2)
