"""A client of the portal's REST API that costs next to nothing itself, so that many requests are the portal's work."""

import json
from collections import Counter
from http.client import HTTPConnection

SECONDS = 20.0  # the longest silence within an answer


class Client:
    """One kept connection to one web process. Every answer is read whole; one with a body is checked to be JSON."""

    def __init__(self, port: int, token: str) -> None:
        self._link = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._head = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._tags: dict[str, str] = {}
        self.answers: Counter[int] = Counter()

    def ask(self, path: str, asks_whether_changed: bool) -> None:
        """Read a path; with `asks_whether_changed` only if it is another than the last that was read of it. Raises
        OSError, HTTPException where there is no answer, ValueError where it is no JSON."""
        known = self._tags.get(path) if asks_whether_changed else ""
        head = {**self._head, "If-None-Match": known} if known else self._head
        try:
            self._link.request("GET", f"/api/v1/{path}", headers=head)
            answer = self._link.getresponse()
            body = answer.read()
        except Exception:
            self._link.close()  # the next request makes another
            raise
        self.answers[answer.status] += 1
        if answer.status == 200:
            json.loads(body)
            self._tags[path] = answer.headers.get("ETag", "")

    def close(self) -> None:
        """Let go of the connection."""
        self._link.close()
