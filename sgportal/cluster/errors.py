"""What can go wrong between us and the API server, as one family."""

from collections.abc import Mapping
from typing import Any


class ClusterError(Exception):
    """The API server said no, or nothing. `status` is the HTTP status (0: no answer), `reason` Kubernetes' CamelCase
    reason, `causes` its field-by-field details, `retry_after` the seconds it asked us to wait."""

    def __init__(
        self,
        message: str,
        status: int = 0,
        reason: str = "",
        causes: tuple[Mapping[str, Any], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.causes = causes
        self.retry_after = retry_after


class NotFound(ClusterError):
    """There is no such object, or no such kind (404)."""


class Conflict(ClusterError):
    """Another writer was faster, owns the field, or the object is not the one we meant (409)."""


class Refused(ClusterError):
    """The API server will not accept this, now or later (400, 401, 403, 422 and the like)."""


class ReadOnly(Refused):
    """We ourselves must not write to this cluster now; nothing was sent."""


class Throttled(ClusterError):
    """The API server asks us to slow down (429)."""


class Expired(ClusterError):
    """The resourceVersion is too old to go on from (410)."""


class Unreachable(ClusterError):
    """No answer, a broken answer, or a server in trouble (408, 5xx)."""


class Unanswered(Unreachable):
    """Nothing came back; `why` says what the connection came to."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the API server does not answer: {why}")
        self.why = why


class AnotherCluster(Unreachable):
    """The cluster that we mean is not at its address: the API server there belongs to another. No write was sent."""


_CLASSES: dict[int, type[ClusterError]] = {404: NotFound, 408: Unreachable, 409: Conflict, 410: Expired, 429: Throttled}
_UID = "metadata.uid"  # an apply or a patch that names another uid: the object is not the one we meant
# Server-side apply answers 500 for a field that the schema does not have, and for what the API's own type cannot hold,
# such as “1 core” (structured-merge-diff, fieldmanager): no trouble of the server's, and no use trying again.
_UNTYPED = ("failed to create typed patch object", "failed to convert new object")
# A 500 as well, about this object alone: the webhook that is asked about it does not answer.
_WEBHOOK = "failed calling webhook"


def error_of(status: int, body: Mapping[str, Any] | None, retry_after: str | None = None) -> ClusterError:
    """The error that a `Status` answer (meta/v1) stands for."""
    body = body or {}
    details = body.get("details") or {}
    message = str(body.get("message") or f"the API server answered {status}")
    wait = retry_after or details.get("retryAfterSeconds")
    causes = tuple(details.get("causes") or ())
    kind = _CLASSES.get(status, Unreachable if status >= 500 or status == 0 else Refused)
    if status == 422 and any(cause.get("field") == _UID for cause in causes):
        kind = Conflict
    if kind is Unreachable and (message.startswith(_UNTYPED) or _WEBHOOK in message):
        kind = Refused
    return kind(message, status, str(body.get("reason") or ""), causes, _seconds(wait))


def _seconds(wait: object) -> float | None:
    """A number of seconds; a date, which `Retry-After` may hold as well, is left out."""
    text = str(wait or "")
    return float(text) if text.isdecimal() else None
