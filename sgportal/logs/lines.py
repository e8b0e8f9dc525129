"""How an event becomes one line: text for people, JSON for machines. Neither shows a secret."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from .context import fields

# What is taken for a secret wherever it stands, and what is shown in its place. Nothing of ours logs one; what others
# raise and log may quote an address or a header.
_SECRETS = (
    (re.compile(r"\b(sg[ps])_[A-Za-z0-9]+_[A-Za-z0-9_-]+"), r"\1_…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 …"),
    (re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@\"']*@"), r"\1…@"),
    (
        re.compile(
            r"(?i)\b((?:access_|api_|refresh_|id_)?(?:token|key|secret)|client_secret|passw(?:or)?d|passwd|sign|code)"
            r"=[^\s&\"'<>]+"
        ),
        r"\1=…",
    ),
)
# Line ends and what a terminal acts upon: a name may hold them, and would begin a line of its own.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def without_secrets(text: str) -> str:
    """A text with everything masked that looks like a token, a password or a key."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


class TextLines(logging.Formatter):
    """A line for people; a traceback follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line without the traceback."""
        record.message = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return without_secrets(super().format(record))


class JsonLines(JsonFormatter):
    """One JSON object for each event, the traceback included, in ASCII, so that no reader's encoding matters.

    What a caller passes as `extra` is left out: Django puts the whole request there."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """What the object consists of, in this order."""
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {"level": record.levelname, "logger": record.name, "message": without_secrets(record.message)}
        log_data.update(fields())
        if error := record.exc_info and record.exc_info[0]:
            log_data["error"] = error.__name__
        if trace := message_dict.get("exc_info") or message_dict.get("stack_info"):
            log_data["traceback"] = without_secrets(trace)
