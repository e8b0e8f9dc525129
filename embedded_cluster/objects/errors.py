"""What the API server answers when it says no: a `Status` (meta/v1)."""

from typing import Any

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class ApiError(Exception):
    """A refusal. `causes` are `{reason, message, field}` objects; `retry_after` is in seconds."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str | None = "",
        causes: list[dict[str, str]] | None = None,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason if reason is None else reason or _REASONS.get(code, "Unknown")
        self.causes = causes or []
        self.details = details or {}
        self.retry_after = retry_after
        self.metadata = metadata or {}

    def status(self) -> dict[str, Any]:
        """The `Status` object."""
        details = {key: value for key, value in self.details.items() if value or key == "name"}
        if self.causes:
            details["causes"] = self.causes
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        body = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata, "status": "Failure"}
        reason = {} if self.reason is None else {"reason": self.reason}
        return {**body, "message": str(self), **reason, "details": details, "code": self.code}


def not_found(plural: str, group: str, name: str) -> ApiError:
    """The 404 for an object."""
    qualified = f"{plural}.{group}" if group else plural
    details = {"name": name, "group": group, "kind": plural}
    return ApiError(404, f'{qualified} "{name}" not found', details=details)


def invalid(kind: str, group: str, name: str, causes: list[dict[str, str]]) -> ApiError:
    """The 422 for an object, with one cause per field."""
    qualified = f"{kind}.{group}" if group else kind
    text = ", ".join(f"{cause['field']}: {cause['message']}" for cause in causes)
    message = f'{qualified} "{name}" is invalid: {text if len(causes) == 1 else f"[{text}]"}'
    return ApiError(422, message, causes=causes, details={"name": name, "group": group, "kind": kind})


def cause(field: str, message: str, reason: str = "FieldValueInvalid") -> dict[str, str]:
    """One field's fault."""
    return {"reason": reason, "message": message, "field": field}


def required(field: str) -> dict[str, str]:
    """The fault of a field that is missing."""
    return cause(field, "Required value", "FieldValueRequired")


def doubled(field: str, value: Any) -> dict[str, str]:
    """The fault of a value that is there already."""
    return cause(field, f'Duplicate value: "{value}"', "FieldValueDuplicate")


def too_many(field: str, number: int, most: int) -> dict[str, str]:
    """The fault of a list that is too long."""
    return cause(field, f"Too many: {number}: must have at most {most} items", "FieldValueTooMany")
