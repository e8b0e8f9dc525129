"""sgportal beside a controller in Go that does what SuperEdge's does (`go_controller`), on one API server, in turn.

Both are given custom resources, as by kubectl. Each round starts one of them, has it do all the work, and ends it when
nothing of its work is left; medians of the rounds are compared.
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .. import stage
from ..following import follow
from ..stage import family

ROUNDS = 2
GRIDS, LABELS = 20, 12
HERE = Path(__file__).parents[1] / "go_controller"
TICKS = os.sysconf("SC_CLK_TCK")


def run(world: str) -> dict[str, Any]:
    """`{work: {go, sgportal, ratio}}`: medians in milliseconds, in seconds for `cpu`. The first 100 units of the world
    are an `area` as well."""
    units = int(world.partition("x")[2])
    times: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="sgportal-bench-") as folder, stage.stage(world):
        from sgportal.cluster import install_crds

        program = stage.compiled(HERE, ".", Path(folder))
        install_crds(_cluster())
        stage.wait(lambda: _cluster().serves("DeploymentGrid"), 60, "the definitions are served")
        for number in range(100):
            _label(number, f"area-{number:03}")
        seen = Deployments()
        for number in range(ROUNDS):
            for who, controller in (("go", lambda: _go(program)), ("sgportal", _sgportal)):
                with controller() as pids:
                    for what, taken in _work(f"{who[0]}{number}", units, seen, pids):
                        times.setdefault(what, {}).setdefault(who, []).extend(taken)
    found = {what: {who: statistics.median(each) for who, each in by.items()} for what, by in times.items()}
    found["label, p99"] = {who: stage.percentile(each, 99) for who, each in times["label"].items()}
    return {what: {**each, "ratio": each["sgportal"] / each["go"]} for what, each in found.items()}


def _work(prefix: str, units: int, seen: "Deployments", pids: list[int]) -> Iterator[tuple[str, list[float]]]:
    names = [f"{prefix}-web{number:02}" for number in range(GRIDS)]
    before = _cpu(pids)
    children = {f"{name}-area-{number:03}" for name in names for number in range(100)}
    yield "20 × 100 from nothing", [_timed(lambda: _apply(names, "area"), lambda: children <= seen.images.keys())]
    yield "label", [_labelled(100 + number, f"new-{prefix}-{number}", names, seen) for number in range(LABELS)]
    for number in range(LABELS):
        _label(100 + number, None)
    yield "20 × 100 deleted", [_timed(lambda: _delete(names), lambda: not seen.having(f"{prefix}-web"))]
    one = f"{prefix}-one"

    def all_have(image: str) -> Callable[[], bool]:
        return lambda: len(found := seen.having(one)) == units and set(found.values()) == {image}

    yield f"one × {units}, create", [_timed(lambda: _apply([one], "site"), all_have("registry.example/app:1"))]
    update = lambda: _apply([one], "site", "registry.example/app:2")  # noqa: E731
    yield f"one × {units}, update", [_timed(update, all_have("registry.example/app:2"))]
    yield f"one × {units}, delete", [_timed(lambda: _delete([one]), lambda: not seen.having(one))]
    yield "cpu", [_cpu(pids) - before]
    time.sleep(5)


def _timed(work: Callable[[], Any], done: Callable[[], bool]) -> float:
    """Milliseconds until the work is done and shows."""
    return stage.milliseconds(lambda: (work(), stage.wait(done, 600, "the work", pause=0.01)))


def _cluster() -> Any:
    from sgportal.reconciler.process.connection import writable

    return writable()


def _labelled(node: int, unit: str, names: list[str], seen: "Deployments") -> float:
    wanted = {f"{name}-{unit}" for name in names}
    taken = _timed(lambda: _label(node, unit), lambda: wanted <= seen.images.keys())
    time.sleep(max(0.0, 1.0 - taken / 1000))
    return taken


def _label(node: int, area: str | None) -> None:
    from sgportal.cluster import MERGE_PATCH

    _cluster().patch("Node", "", f"edge-{node:05}", {"metadata": {"labels": {"area": area}}}, MERGE_PATCH)


def _apply(names: list[str], key: str, image: str = "registry.example/app:1") -> None:
    from sgportal.cluster import MERGE_PATCH

    def each(name: str) -> None:
        body = stage.grid(name, key, replicas=0, image=image)
        if _cluster().get("DeploymentGrid", "default", name) is None:
            _cluster().create(body)
        else:
            _cluster().patch("DeploymentGrid", "default", name, {"spec": body["spec"]}, MERGE_PATCH)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(each, names))


def _delete(names: list[str]) -> None:
    for name in names:
        _cluster().delete("DeploymentGrid", "default", name)


class Deployments:
    """The live Deployments and their images, by a watch of its own."""

    def __init__(self) -> None:
        self.images: dict[str, str] = {}
        follow(_cluster(), "Deployment", self._learn)

    def having(self, prefix: str) -> dict[str, str]:
        """Those whose names begin so."""
        return {name: image for name, image in self.images.copy().items() if name.startswith(prefix)}

    def _learn(self, event: Any) -> None:
        name = event.body["metadata"]["name"]
        if event.type == "DELETED":
            self.images.pop(name, None)
        else:
            self.images[name] = event.body["spec"]["template"]["spec"]["containers"][0]["image"]


@contextlib.contextmanager
def _go(program: Path) -> Iterator[list[int]]:
    command = [str(program), f"-kubeconfig={os.environ['KUBECONFIG']}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - compiled above
    try:
        if not process.stdout or process.stdout.readline() != "synced\n":
            raise RuntimeError("the controller in Go did not start")
        yield [process.pid]
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def _sgportal() -> Iterator[list[int]]:
    os.environ["SGPORTAL_DELETE_BRAKE_MIN"] = "1000000"  # nobody is here to confirm that all grids may go
    with stage.portal() as running:
        yield list(running.values())


def _cpu(pids: list[int]) -> float:
    """CPU seconds of the processes with all that they started."""
    return sum(map(_ticks, (each for pid in pids for each in family(pid)))) / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
