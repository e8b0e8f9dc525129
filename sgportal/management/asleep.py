"""What the supervisor of processes is while nothing happens to them: this file, run by itself. To wait it needs neither
Django nor anything of ours, which took 40 MiB.

The supervisor becomes it (exec) once its processes run, so its id stays, and they stay its children. It becomes the
supervisor again, by the command that this was begun with, when one of them has ended or will not. All signals stay
blocked, so that none is lost between the two. Only the standard library may be imported here.
"""

import json
import os
import signal
import sys
import time

SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)
STATE = "SUPERVISED_PROCESSES"  # the variable that tells the supervisor what it knew before
LOOK_SECONDS = 30.0  # a signal tells sooner that there is something to see


def main(told: str, command: list[str]) -> None:
    """Wait: `told` is what the supervisor knows, as JSON, `command` what it becomes again."""
    state = json.loads(told)
    pids = [each["pid"] for each in state["places"]]
    while not any(map(_has_ended, pids)):
        found = signal.sigtimedwait(SIGNALS, LOOK_SECONDS)
        if found and found.si_signo != signal.SIGCHLD:
            if _end(pids, state["patience"]):
                return
            state["asked"] = True
            break
    os.execve(sys.executable, command, {**os.environ, STATE: json.dumps(state)})  # noqa: S606 - as we were begun


def _end(pids: list[int], patience: float) -> bool:
    """Ask them to end, and wait for so many seconds; whether all did."""
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if all(map(_has_ended, pids)):
            return True
        signal.sigtimedwait((signal.SIGCHLD,), 0.2)
    return False


def _has_ended(pid: int) -> bool:
    """Whether a child has; it is left to the supervisor to bury it."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
