"""What is read as it comes: a watch, the changes of a collection (Kubernetes API concepts, "Efficient detection of
changes"), and the log of a container."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from ..errors import Unreachable, error_of
from ..transport import parse

CHUNK = 64 * 1024  # bytes of a log that are read at a time


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """ADDED, MODIFIED, DELETED or BOOKMARK, and the object (of a bookmark: its resourceVersion only)."""

    type: str
    body: dict[str, Any]

    @property
    def resource_version(self) -> str:
        """The version from which a watch can go on after this event."""
        return str(self.body["metadata"]["resourceVersion"])


class Watch:
    """An iterator over the events of one stream. It ends when the server ends the stream or somebody calls `close`.

    `next` raises Expired where the version is too old to go on, Unreachable where the stream breaks, is mute for too
    long, or is no stream of events. Close it in the end; `with` does.
    """

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer
        self._closed = False
        self._events = self._read()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchEvent:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._answer.close()

    def close(self) -> None:
        """End the stream, from any thread: one that waits for the next event gets the end."""
        self._closed = True
        try:
            self._answer.shutdown()
        except (RuntimeError, ValueError, OSError):  # it has ended already
            return

    def _read(self) -> Iterator[WatchEvent]:
        rest = b""
        try:
            for chunk in self._answer.stream(amt=None):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    yield _event(line)
        except (HTTPError, OSError, AttributeError) as error:  # AttributeError: closed between two reads
            if not self._closed:
                raise Unreachable(f"the watch broke off: {error}") from error
        finally:
            self._answer.close()


def _event(line: bytes) -> WatchEvent:
    value = parse(line)
    body = value.get("object") if isinstance(value, dict) else None
    if not isinstance(body, dict):
        raise Unreachable("the watch sent something that is no event")
    if value.get("type") == "ERROR":
        raise error_of(int(body.get("code") or 500), body)
    if not (body.get("metadata") or {}).get("resourceVersion"):
        raise Unreachable("the watch sent something that is no event: it has no version")
    return WatchEvent(str(value.get("type")), body)


class Silent(Unreachable):
    """Nothing was written for as long as was to be waited."""


class Log:
    """The bytes of a log. `read` gives what there is, waiting for it; b"" at the end, or once somebody has closed it.

    Close it in the end, from any thread: one that waits gets the end."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer
        self._closed = False

    def read(self) -> bytes:
        """What has been written since. Raises Silent, and Unreachable where the stream breaks."""
        try:
            return self._answer.read1(CHUNK)
        except ReadTimeoutError as error:
            raise Silent("nothing was written") from error
        except (HTTPError, OSError, ValueError, AttributeError) as error:  # the last two: closed between two reads
            if self._closed:
                return b""
            raise Unreachable(f"the log broke off: {error}") from error

    def close(self) -> None:
        """End it."""
        self._closed = True
        with contextlib.suppress(RuntimeError, ValueError, OSError):  # it has ended already
            self._answer.shutdown()
        self._answer.close()
