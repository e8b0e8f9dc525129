"""How an event becomes a line for people, and what no line shows: secrets."""

import logging
import re

# What is taken for a secret wherever it stands, and what is shown in its place. Nothing of ours logs one; what others
# raise and log may quote an address or a header. Anybody may send a path of any length, which is logged: each pattern
# begins with what stands in a text seldom, so that it is gone through once.
_SECRETS = (
    (re.compile(r"\b(sg[ps])_[A-Za-z0-9]+_[A-Za-z0-9_-]+"), r"\1_…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 …"),
    (re.compile(r"(://)[^/\s@\"']*@"), r"\1…@"),
    (
        re.compile(
            r"(?i)\b((?:access_|api_|refresh_|id_)?(?:token|key|secret)|client_secret|passw(?:or)?d|sign|code)"
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
