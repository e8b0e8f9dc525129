"""Python's logging as the settings want it, for everything that a process writes: also what others would print."""

import logging
import logging.config
import sys
import threading
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)
FORMATS = ("text", "json")


def configuration(form: str, level: str) -> dict[str, Any]:
    """The settings of Python's logging for lines of one of FORMATS from a level on. uvicorn's loggers lose the handlers
    that it gave them, and its log of requests, which shows queries, is off: `requests` has ours."""
    lines: dict[str, Any] = {"()": "sgportal.logs.json_lines.JsonLines"}
    if form == "text":
        lines = {
            "()": "sgportal.logs.lines.TextLines",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": lines},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            "nowhere": {"class": "logging.NullHandler"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.error": {"handlers": [], "propagate": True},
            "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
            "apprise": {"handlers": ["nowhere"], "propagate": False},  # it may quote URLs, which are secrets
            "py.warnings": {"handlers": [], "propagate": True},
        },
    }


def configure(wanted: Mapping[str, Any]) -> None:
    """Django's hook (LOGGING_CONFIG). What ends a process or a thread, and warnings, become events like any other."""
    logging.config.dictConfig(dict(wanted))
    logging.captureWarnings("pytest" not in sys.modules)  # which has its own use for them
    sys.excepthook = _ended
    threading.excepthook = _thread_ended


def _ended(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("the process ends: %s", error, exc_info=(kind, error, trace))


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread else "?"
        log.critical("the thread %s ended", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
