"""The answer that is a stream of events."""

from collections.abc import AsyncIterator
from typing import Any

from django.http import StreamingHttpResponse


class EventStream(StreamingHttpResponse):
    """An answer that lasts, and needs nothing of its request any more."""

    def __init__(self, content: AsyncIterator[bytes], **more: Any) -> None:
        super().__init__(content, content_type="text/event-stream", **more)
        self._content = content

    def detached(self) -> AsyncIterator[bytes]:
        """What is to be sent, for whoever sends it after the request is over."""
        return self._content
