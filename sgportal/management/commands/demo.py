"""`manage.py demo`: web, worker, watch, keeper and an embedded cluster in one process, on loopback only."""

import http.client
import signal
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from embedded_cluster import EmbeddedCluster

from ...cluster import connect, install_crds
from ...dashboard.cluster import demo
from ...logs import name_process
from .. import demo_people, demo_world, processes, web_process
from ..demo_state import DemoState, read_state, refuse

READY_SECONDS = 60.0

READY = """
  sgportal is ready

    URL         http://127.0.0.1:{port}/
    User        admin   (also operator and viewer, with the same password)
    Password    {password}
    API token   {token}
    kubeconfig  {kubeconfig}

  Try   kubectl --kubeconfig={kubeconfig} get nodes
  Ctrl-C stops it; the state stays under {root} (DEMO_RESET=1 starts afresh)
"""


class Command(BaseCommand):
    """Serve the portal with a cluster of its own until Ctrl-C or SIGTERM."""

    help = "Serves the portal with an embedded cluster: PORT, DEMO_WORLD, DEMO_RESET, SGPORTAL_DEMO_TOKEN."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Start everything, print how to get in once it is ready, and stop everything at the end."""
        name_process("demo")
        state = read_state()
        try:
            listening = web_process.loopback_socket(state.port)
        except OSError:
            refuse(f"port {state.port} is taken; choose another: PORT={state.port + 1} make demo")
        server = web_process.web_server()
        stopping = threading.Event()

        def stop(*_signal: Any) -> None:
            if stopping.is_set():
                server.force_exit = True  # asked twice: do not wait for open streams
            stopping.set()
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        cluster = EmbeddedCluster(
            state.world, state.cluster, token=state.secret("cluster-token"), name="sgportal-demo", metrics=True
        )
        threads = processes.Threads(stop)
        with listening:
            try:
                cluster.start()
                _publish(state, cluster)
                password, token = _remember_people(state)
                self._start(threads)
                demo.offer(cluster.set_node_ready)
                port = listening.getsockname()[1]
                announce = {"port": port, "password": password, "token": token, "kubeconfig": state.kubeconfig}
                target = threading.Thread(
                    target=self._announce, args=(state, announce, stopping), name="ready", daemon=True
                )
                target.start()
                server.run([listening])
            finally:
                demo.offer(None)
                stuck = threads.end()
                cluster.stop()
        if stuck:
            self.stderr.write(f"did not end in time: {', '.join(stuck)}")

    def _start(self, threads: processes.Threads) -> None:
        demo_world.forget_messages()
        for part in (processes.worker_part(), processes.watch_part(), processes.keeper_part()):
            threads.start(*part)

    def _announce(self, state: DemoState, block: dict[str, Any], stopping: threading.Event) -> None:
        """Wait until the first page is worth looking at, then say how to get in."""
        since = timezone.now()
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not stopping.wait(0.1):
                if demo_world.is_mirrored(since) and _answers(block["port"]):
                    demo_world.create_sample(state.world, state.folder / "sample-created")
                    self.stdout.write(READY.format(root=_short(state.root), **block))
                    self.stdout.flush()
                    return
                if time.monotonic() > deadline:
                    self.stderr.write(f"not ready after {READY_SECONDS:.0f} s; LOG_LEVEL=INFO shows more")
                    return
        finally:
            connection.close()


def _publish(state: DemoState, cluster: EmbeddedCluster) -> None:
    """Put the kubeconfig where people look for it, once grids are served: an apply in the first second is taken."""
    if settings.SGPORTAL_INSTALL_CRDS:
        with closing(connect(settings.SGPORTAL_CLUSTER, threads=1)) as embedded:
            install_crds(embedded)
    beside = state.kubeconfig.with_name("kubeconfig.new")
    beside.write_bytes(cluster.kubeconfig_path.read_bytes())
    beside.replace(state.kubeconfig)


def _remember_people(state: DemoState) -> tuple[str, str]:
    """Migrate, and make the users and the token. The password and the token's text."""
    import os

    call_command("migrate", verbosity=0, interactive=False)
    password = state.secret("password", os.environ.get("SGPORTAL_DEMO_PASSWORD", ""))
    fixed = os.environ.get("SGPORTAL_DEMO_TOKEN", "")
    kept = (state.root / "token").read_text().strip() if (state.root / "token").exists() and not fixed else fixed
    token = demo_people.ensure(password, kept)
    return password, state.secret("token", token)


def _answers(port: int) -> bool:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", "/login/")
        return link.getresponse().status < 400
    except OSError:
        return False
    finally:
        link.close()


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
