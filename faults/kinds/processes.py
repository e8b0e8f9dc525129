"""The portal's processes end, or stand still."""

import time

from ..setting import Setting
from .fault import fault


@fault("worker-killed", "both workers killed by SIGKILL in mid-reconcile, three times, begun anew after 2 s")
def worker_killed(at: Setting) -> None:
    """While keys are held."""
    for _ in range(3):
        at.until(lambda: at.rows("SELECT 1 FROM sgportal_workkey WHERE holder <> '' LIMIT 1"), "a worker is at it")
        for name in at.each("worker"):
            at.kill(name)
        time.sleep(6)


@fault("watch-killed", "the acting watch killed by SIGKILL, three times")
def watch_killed(at: Setting) -> None:
    """Another takes over."""
    _kill_who_acts(at, "watch")


@fault("keeper-killed", "the acting keeper killed by SIGKILL, three times")
def keeper_killed(at: Setting) -> None:
    """Another takes over."""
    _kill_who_acts(at, "keeper")


def _kill_who_acts(at: Setting, service: str) -> None:
    for _ in range(3):
        first = at.until(lambda: at.holder(service), f"a {service} acts")
        began = time.monotonic()
        at.kill(first)
        at.until(lambda first=first: at.holder(service) not in ("", first), f"another {service} acts")
        at.note(f"taken over after {time.monotonic() - began:.1f} s")
        time.sleep(3)


@fault("web-killed", "each web process killed by SIGKILL in turn")
def web_killed(at: Setting) -> None:
    """The other answers meanwhile."""
    for name in at.each("web"):
        at.kill(name)
        time.sleep(3)
        at.until(lambda name=name: at.listens(name), f"{name} is back")


@fault("all-killed", "all eight processes killed at once, begun anew after 2 s")
def all_killed(at: Setting) -> None:
    """As where the host loses its power."""
    for name in at.names:
        at.kill(name)
    time.sleep(3)
    at.until(lambda: all(map(at.listens, at.each("web"))), "the web is back")


@fault("worker-frozen", "a worker stopped by SIGSTOP for 60 s in mid-reconcile, then let go on")
def worker_frozen(at: Setting) -> None:
    """It wakes in the middle of writes that others have made since."""
    at.until(lambda: at.rows("SELECT 1 FROM sgportal_workkey WHERE holder <> '' LIMIT 1"), "a worker is at it")
    _freeze(at, "worker-0")


@fault("watch-frozen", "the acting watch stopped by SIGSTOP for 60 s")
def watch_frozen(at: Setting) -> None:
    """It wakes and is no longer the one that acts."""
    _freeze(at, at.until(lambda: at.holder("watch"), "a watch acts"))


@fault("keeper-frozen", "the acting keeper stopped by SIGSTOP for 60 s")
def keeper_frozen(at: Setting) -> None:
    """It wakes and is no longer the one that acts."""
    _freeze(at, at.until(lambda: at.holder("keeper"), "a keeper acts"))


def _freeze(at: Setting, name: str) -> None:
    at.freeze(name, True)
    try:
        time.sleep(60)
    finally:
        at.freeze(name, False)
