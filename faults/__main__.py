"""`make faults`: every fault, or those named in FAULTS, on a real control plane. A table on the screen, JSON in
`faults/output/latest.json`, with REPORT=1 in `docs/reliability` as well; exit code 1 where something is lost, doubled
or unexplained."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.kube import binaries
from tests.kube import control_plane as kube
from tests.kube.product import allow
from tests.services import postgres_folder

from . import report, runner
from .kinds import every
from .setting import Setting, setting

_NEWNS = 0x20000  # unshare(2): CLONE_NEWNS
UNITS, SPARES = int(os.environ.get("FAULTS_UNITS", "5")), 2


def main(named: Sequence[str]) -> int:
    """The exit code."""
    known = every()
    if unknown := [name for name in named if name not in known]:
        print(f"no such faults: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if binaries.missing() or not postgres_folder():
        print("this needs a compiled control plane (make kube) and PostgreSQL", file=sys.stderr)
        return 2
    wanted = [known[name] for name in named or known]
    for each in wanted:
        if lacks := each.lacks():
            print(f"left out: {each.name}, for want of {lacks}", file=sys.stderr)
    results = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with it
    if os.geteuid() == 0:
        _own_mounts()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sgportal-faults-")))
        nodes = [f"node-{number}" for number in range(UNITS + SPARES)]
        plane = stack.enter_context(kube.run(folder, nodes))
        at = stack.enter_context(setting(folder, plane.kubeconfig(), allow(plane), plane, home=_volume()))
        spares = runner.furnish(at, UNITS, SPARES)
        for each in wanted:
            if not each.lacks():
                print(f"… {each.name}: {each.what}", file=sys.stderr, flush=True)
                results.append(runner.run(at, each, spares))
                report.write(results[-1].as_json())
                print(report.line(results[-1]), flush=True)
                for finding in results[-1].found:
                    print(f"    {finding.kind}: {finding.text}", flush=True)
        if logs := os.environ.get("FAULTS_LOGS"):
            report.keep_logs(folder, Path(logs))
    if results and os.environ.get("REPORT", "") not in ("", "0"):
        report.document(known, {name: found for name, found in report.read(report.OUTPUT).items() if name in known})
    return int(any(each.found for each in results))


def _own_mounts() -> None:
    """What is mounted from now on is seen by this process and those that it begins, and ends with them."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEWNS):
        raise OSError(ctypes.get_errno(), "no mount namespace of its own")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def _volume() -> Path | None:
    """A small volume for PostgreSQL's data, where this process may make one."""
    if os.geteuid():
        return None
    home = Path("/run/sgportal-faults-postgres")  # every user may enter what is above it
    home.mkdir(exist_ok=True)
    Setting.mount(home, "400m")
    return home


if __name__ == "__main__":
    sys.exit(main(os.environ.get("FAULTS", "").replace(",", " ").split()))
