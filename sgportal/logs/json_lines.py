"""Lines of the log for machines. A module by itself: lines for people need no formatter of JSON."""

import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from .context import fields
from .lines import without_secrets


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
