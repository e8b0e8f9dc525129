"""Deleted CustomResourceDefinitions that the API server has forgotten to finish.

Its finalizer (apiextensions-apiserver, pkg/controller/finalizer) lists a kind's objects before it lets the definition
go. Where nobody has used the kind yet, its storage is still starting and that list fails: "storage is
(re)initializing". The finalizer writes this into the definition's status and tries again 5 ms later. On a busy machine
its cache does not have that write yet; the next one is a conflict, after which it expects to be called by a change.
But its own write to the condition Terminating does not count as one: it sleeps until the resync, up to five minutes.
Any other change of the definition calls it.
"""

import contextlib
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SECONDS = 1.0
_MARK = "test.sgportal.example/called"
_MERGE = "application/merge-patch+json"


@contextlib.contextmanager
def finished(request: Callable[..., Any]) -> Iterator[None]:
    """While this lasts, change every definition that is being deleted once a second, so that it is gone soon.

    `request(method, path, body, content=...)` asks the API server. Raises OSError.
    """
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(SECONDS):
            with contextlib.suppress(OSError):  # a test has stopped the API server, or the definition is gone
                call(request)

    thread = threading.Thread(target=run, name="definitions", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def call(request: Callable[..., Any]) -> list[str]:
    """Change every definition that is being deleted; their names."""
    going = [each["metadata"] for each in request("GET", PATH)["items"] if "deletionTimestamp" in each["metadata"]]
    for metadata in going:
        change = {"metadata": {"annotations": {_MARK: str(time.time())}}}
        try:
            request("PATCH", f"{PATH}/{metadata['name']}", change, content=_MERGE)
        except urllib.error.HTTPError as error:
            if error.code not in (404, 409):
                raise
    return [each["name"] for each in going]
