"""Asking over HTTP what somebody else knows: whether an address answers, and a Prometheus (HTTP API, v1) a query."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

LONGEST = 2000  # characters of a query that an address can have
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_HTTP = urllib3.PoolManager(retries=False)


class NoAnswer(Exception):
    """Nobody answers there."""


def instant_query(
    base: str, query: str, seconds: float, most_bytes: int, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """The status and the body, cut after so many bytes, of the answer of the Prometheus at `base`. Raises NoAnswer."""
    url, form = f"{base.rstrip('/')}/api/v1/query", urlencode({"query": query})
    if len(query) <= LONGEST:
        return ask("GET", f"{url}?{form}", seconds, most_bytes, headers)
    return ask("POST", url, seconds, most_bytes, {**(headers or {}), **_FORM}, form)


def ask(
    method: str,
    url: str,
    seconds: float,
    most_bytes: int = 0,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> tuple[int, bytes]:
    """The status of an answer, within so many seconds, and its body up to so many bytes; no redirect is followed.
    Raises NoAnswer."""
    options: dict[str, Any] = {"timeout": urllib3.Timeout(total=seconds), "redirect": False, "preload_content": False}
    try:
        answer = _HTTP.request(method, url, body=body, headers=dict(headers or {}), **options)
        try:
            return answer.status, answer.read(most_bytes) if most_bytes else b""
        finally:
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NoAnswer(str(error)) from error
