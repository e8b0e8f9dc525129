"""A whole portal at work in threads (watch, worker, keeper), and what may happen to the cluster behind its back."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from django.db import connection

from embedded_cluster import EmbeddedCluster
from sgportal.models import WorkKey
from sgportal.reconciler.informer.reflector import Pace
from sgportal.reconciler.process import connection as access
from sgportal.reconciler.worker import run

from ..watching import QUICK, a_watch
from ..world import World


@contextmanager
def at_work(wait: bool = True, pace: Pace = QUICK) -> Iterator[None]:
    """A watch and a worker, which reach the cluster as they would in production."""
    stop = threading.Event()
    worker = threading.Thread(target=_work, args=(stop,), name="worker", daemon=True)
    with a_watch(None, pace, wait=wait, connect=access.writable):
        worker.start()
        try:
            yield
        finally:
            stop.set()
            worker.join(75)
    assert not worker.is_alive()


def _work(stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            for key in list(WorkKey.objects.due().values_list("key", flat=True)):
                run(key)
            stop.wait(0.02)
    finally:
        connection.close()


class Stage:
    """The clusters that one address leads to, one after the other. They share certificates and token."""

    def __init__(self, world: World) -> None:
        self.world, self.first = world, world.embedded
        self.stack = ExitStack()

    def swap(self, sample: str = "walkthrough") -> EmbeddedCluster:
        """Stop the cluster and start another at its address, with nodes of its own and nothing else."""
        folder = Path(mkdtemp(prefix="sgportal-swap-"))
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for name in ("ca.crt", "server.crt", "server.key", "kubeconfig"):
            shutil.copy(self.first.kubeconfig_path.parent / name, folder / name)
        self.first.unreachable(True)
        other = EmbeddedCluster(sample, folder, port=self.first._port, token=self.first.token)
        self.stack.callback(other.stop)
        other.start()
        return other

    def back(self, other: EmbeddedCluster) -> None:
        """The first cluster is at its address again."""
        other.stop()
        self.first.unreachable(False)


def writes_to(server: EmbeddedCluster) -> dict[tuple[str, str], int]:
    """The writes that a cluster has seen, by method and plural."""
    return {key: count for key, count in server.requests.items() if key[0] in ("POST", "PUT", "PATCH", "DELETE")}
