"""A request without a body, as an ASGI server brings it to an application."""

import asyncio
from typing import Any


async def messages_of(application: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What an application sends for it, by a caller who stays."""
    sent: list[dict[str, Any]] = []
    asked: list[bool] = []

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.Event().wait()
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent
