"""Our client beside client-go (`go_controller/client`): a thousand new Deployments, 32 at once, on one API server that
has no controllers, in turn. Each writes from a process of its own, so that its processor time is counted alone."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .. import stage
from ..fanout import manifests

ROUNDS = 5
THREADS = 32
VERBS = ("create", "apply")
SOURCE = Path(__file__).parents[1] / "go_controller"


def run(count: str) -> dict[str, Any]:
    """`{verb: {who: {milliseconds, cpu}}}`: medians, the processor time in seconds, after one round that warms up."""
    times: dict[str, dict[str, list[dict[str, float]]]] = {verb: {"go": [], "sgportal": []} for verb in VERBS}
    with tempfile.TemporaryDirectory(prefix="sgportal-bench-") as name, stage.api_server(Path(name)) as kubeconfig:
        program = stage.compiled(SOURCE, "./client", Path(name))
        environment = {**os.environ, "KUBECONFIG": kubeconfig}
        for number in range(ROUNDS + 1):
            for verb in VERBS:
                commands = {
                    "go": [str(program), f"-kubeconfig={kubeconfig}", f"-verb={verb}", f"-workers={THREADS}"],
                    "sgportal": [sys.executable, "-m", "bench.beside_go.client", verb],
                }
                for who, command in commands.items():
                    bodies = json.dumps(manifests(f"{who}-{verb}-{number}", int(count)))
                    done = subprocess.run(  # noqa: S603 - our own
                        command, input=bodies, stdout=subprocess.PIPE, text=True, check=True, env=environment
                    )
                    if number:
                        times[verb][who].append(json.loads(done.stdout))
    return {verb: {who: _medians(each) for who, each in by.items()} for verb, by in times.items()}


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in rounds) for name in ("milliseconds", "cpu")}


def main(verb: str) -> None:
    """Write what standard input lists, and print what that took."""
    from sgportal.cluster import connect

    cluster = connect("kubeconfig", threads=THREADS)
    bodies = json.load(sys.stdin)
    cluster.version()
    write = cluster.create if verb == "create" else cluster.apply_new

    def all_of_them() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(write, bodies))

    before = _cpu()
    taken = stage.milliseconds(all_of_them)
    print(json.dumps({"milliseconds": taken, "cpu": _cpu() - before}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(sys.argv[1])
