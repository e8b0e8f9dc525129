"""Logs are text that anybody may have written. What is shown of them holds no instruction to whoever shows it: neither
to a terminal (ECMA-48 control sequences, control characters) nor to a reader's eye (Unicode directional overrides)."""

import re

LONGEST = 16 * 1024  # bytes of a line; the kubelet itself splits what is longer
# Control sequences (CSI), operating system commands and other strings up to their end, two-character escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
# All of C0 but the tab, DEL, C1, and what turns or hides text: Unicode's Bidi_Control, zero-width characters, the
# separators of lines and paragraphs, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def clean(line: bytes) -> str:
    """A line of a log, without its end, as text that is safe to show: escape sequences are left out, other characters
    that are not seen are written as `\\xNN` or `\\uNNNN`. What is no UTF-8 is shown as U+FFFD."""
    return written_out(_ESCAPES.sub("", line.decode(errors="replace").removesuffix("\r")))


def written_out(text: str) -> str:
    """A text that is safe to show, with the characters that are not seen written as `\\xNN` or `\\uNNNN`; tabs stay."""
    return _HIDDEN.sub(_written_out, text)


def _written_out(found: "re.Match[str]") -> str:
    return found[0].encode("unicode_escape").decode()


class Lines:
    """Puts lines together from chunks that end anywhere. Of a line that does not end, LONGEST bytes are a line."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, chunk: bytes) -> bytes:
        """The lines that this chunk completes, each with its end, safe to show."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) >= LONGEST:
            whole.append(self._rest[:LONGEST])
            self._rest = self._rest[LONGEST:]
        return b"".join(_shown(line) for line in whole)

    def end(self) -> bytes:
        """What is left when there is no more."""
        rest, self._rest = self._rest, b""
        return _shown(rest) if rest else b""


def _shown(line: bytes) -> bytes:
    return clean(line).encode(errors="replace") + b"\n"
