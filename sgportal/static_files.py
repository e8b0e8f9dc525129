"""Static files as WhiteNoise gives them, in a form that an asynchronous server passes on piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest
from whitenoise.middleware import WhiteNoiseMiddleware

_PIECE = 64 * 1024  # bytes


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Django's middleware. Under ASGI Django would read a file as a whole before its first byte is sent, and warn."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> FileResponse:
        """The answer with a file, or with none for HEAD and where the browser has it."""
        answer: FileResponse = WhiteNoiseMiddleware.serve(static_file, request)
        if isinstance(request, ASGIRequest):
            file = answer.file_to_stream
            super(FileResponse, answer)._set_streaming_content(_pieces(file))
        return answer


async def _pieces(file: Any) -> AsyncIterator[bytes]:
    while file and (piece := await asyncio.to_thread(file.read, _PIECE)):
        yield piece
