"""The embedded cluster as one thing to start and stop."""

import asyncio
import secrets
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

import uvloop

from .bootstrap import bootstrap
from .controllers.loop import Life
from .kinds.served import Kinds
from .kubeconfig import write_kubeconfig
from .nodes.nodes import set_ready
from .objects.persist import Journal
from .objects.store import Store
from .server.api import Api
from .server.faults import Faults
from .server.http import Application, Listener
from .server.watching import end_all
from .tls import make_certificates
from .world import build

T = TypeVar("T")
START_SECONDS = 30.0


class EmbeddedCluster:
    """An API server on a loopback port in a thread of its own, and the life behind it.

    `world` names what an empty cluster starts with; with `state_dir` objects survive a restart; `name` is that of
    the kubeconfig's context; with `metrics` it serves what metrics-server would. Usable as a context manager. Methods
    may be called from any thread.
    """

    def __init__(
        self,
        world: str = "walkthrough",
        state_dir: Path | None = None,
        port: int = 0,
        token: str | None = None,
        name: str = "embedded",
        metrics: bool = False,
    ) -> None:
        self._name = name
        self._metrics = metrics
        self._world = world
        self._temporary = tempfile.TemporaryDirectory(prefix="embedded-cluster-") if state_dir is None else None
        self._folder = Path(self._temporary.name) if self._temporary else Path(state_dir or "")
        self._keeps = state_dir is not None
        self._port = port
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.token = token or secrets.token_urlsafe(24)
        self.faults = Faults()
        self.ca_path = self._folder / "ca.crt"
        self.kubeconfig_path = self._folder / "kubeconfig"

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when the API server answers. Raises what went wrong."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="embedded-cluster", daemon=True)
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._failure:
            raise self._failure
        if not self._started.is_set():
            raise TimeoutError("the embedded cluster did not start")

    def stop(self) -> None:
        """Stop, and return when the thread has ended."""
        if self._thread and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)
        if self._temporary:
            self._temporary.cleanup()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main())
        except BaseException as error:
            self._failure = error
            self._started.set()

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.store, self._kinds = Store(), Kinds(self._metrics)
        journal = Journal(self._folder / "objects.jsonl")
        if not (self._keeps and journal.load(self.store)):
            build(self._world, self.store)
        for crd in self.store.each("customresourcedefinitions.apiextensions.k8s.io"):
            self._kinds.define(crd)
        if self._keeps:
            journal.follow(self.store)
        bootstrap(self.store)
        self._hook_faults()
        ca, cert, key = make_certificates(self._folder)
        life = asyncio.ensure_future(Life(self.store, self._kinds, ca.read_text()).run())
        await self._serve(cert, key)
        self._started.set()
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((stopping, life), return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            self._failure = life.exception()
        life.cancel()
        end_all(self.faults.watches)
        await self._listener.close()
        journal.close()

    def _hook_faults(self) -> None:
        def unreachable(seconds: float) -> None:
            self._spawn(self._listener.close())
            if seconds:
                self._loop.call_later(seconds, lambda: self._spawn(self._listener.open()))

        hooks: dict[str, Callable[[float], None]] = {
            "compact": lambda _: self.store.compact(),
            "drop-watches": lambda _: end_all(self.faults.watches),
            "unreachable": unreachable,
        }
        self.faults.hooks = {name: self._soon(hook) for name, hook in hooks.items()}

    def _soon(self, hook: Callable[[float], None]) -> Callable[[float], None]:
        def call(seconds: float) -> None:
            self._loop.call_soon_threadsafe(hook, seconds)

        return call

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, cert: Path, key: Path) -> None:
        api = Api(self.store, self._kinds, self.faults, self.token)
        self._application = Application(api, self.faults, self._kinds)
        self._listener = Listener(self._application, cert, key, self._port)
        await self._listener.open()
        self._port = self._listener.port
        write_kubeconfig(self.kubeconfig_path, self.url, self.ca_path, self.token, self._name)

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns when run on the cluster's own loop, where the store may be used."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    @property
    def requests(self) -> "Counter[tuple[str, str]]":
        """The number of requests by (method, plural) since the start or the last `reset_counts`."""
        return self.call(lambda: Counter(self._application.counts))

    @property
    def accepted(self) -> "Counter[tuple[str, str]]":
        """The same of requests that were answered with success: a write that is refused changes nothing."""
        return self.call(lambda: Counter(self._application.accepted))

    def reset_counts(self) -> None:
        """Count from zero again."""

        def reset() -> None:
            self._application.counts.clear()
            self._application.accepted.clear()

        self.call(reset)

    def set_node_ready(self, name: str, ready: bool | None) -> None:
        """Make a node Ready, NotReady (False) or lost (None). Raises KeyError for no such node."""
        word = {True: "True", False: "False", None: "Unknown"}[ready]
        self.call(lambda: set_ready(self.store, name, word))

    def compact(self) -> None:
        """Forget the history of all objects: older resourceVersions answer 410."""
        self.call(self.store.compact)

    def kept(self) -> Store:
        """Everything as it is now, for `rewind`."""
        return self.call(self.store.kept)

    def rewind(self, kept: Store) -> None:
        """Go back to an earlier state, versions included, as where etcd is restored; every watch ends."""
        self.call(lambda: self.store.rewind(kept))
        self.faults.drop_watches()

    def unreachable(self, gone: bool) -> None:
        """Close the port and every connection, or open the port again."""
        change: Any = self._listener.close() if gone else self._listener.open()
        asyncio.run_coroutine_threadsafe(change, self._loop).result(10)
