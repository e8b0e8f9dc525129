"""What is shown of a log holds no instruction to a terminal, a page or a reader's eye, wherever its chunks end."""

import pytest

from sgportal.core.containers.log_text import LONGEST, Lines, clean

ESC, CSI = b"\x1b", "\x9b".encode()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x9b\xb0\ttab", "plain 中文 🛰\ttab"),
        (b"<script>alert(1)</script> &amp;", "<script>alert(1)</script> &amp;"),  # text: whoever shows it escapes it
        (ESC + b"[1;31mred" + ESC + b"[0m", "red"),
        (CSI + b"31mred", "red"),
        (ESC + b"[2J" + ESC + b"[Hcleared", "cleared"),
        (ESC + b"]0;a title\x07after", "after"),
        (ESC + b"]8;;http://evil" + ESC + b"\\link" + ESC + b"]8;;" + ESC + b"\\", "link"),
        (ESC + b"]0;never ends", ""),
        (ESC + b"Pdevice control" + ESC + b"\\x", "x"),
        (ESC + b"(0" + ESC + b"cx", "x"),
        (b"alone" + ESC, "alone\\x1b"),
        (b"bell\x07 back\x08 nul\x00 del\x7f", "bell\\x07 back\\x08 nul\\x00 del\\x7f"),
        (b"10%\r20%\r", "10%\\r20%"),
        ("a\u202eb\u2066c\u200bd\u2028e\ufefff".encode(), "a\\u202eb\\u2066c\\u200bd\\u2028e\\ufefff"),
        ("\U000e0041".encode(), "\\U000e0041"),
        ("e\u0301 👩\u200d👧".encode(), "e\u0301 👩\u200d👧"),
        (b"\xff\xfe", "��"),
        (b"", ""),
    ],
)
def test_a_line_is_text(line, shown):
    assert clean(line) == shown


def test_chunks_may_end_anywhere():
    whole = b"one\n" + ESC + "[31m中 two\n\nlast".encode()
    for size in (1, 2, 3, 7, 100):
        lines = Lines()
        found = b"".join(lines.take(whole[at : at + size]) for at in range(0, len(whole), size)) + lines.end()
        assert found.decode() == "one\n中 two\n\nlast\n"


def test_a_line_that_does_not_end_is_cut_and_takes_no_more_memory():
    lines = Lines()
    found = b"".join(lines.take(b"x" * 1000) for _ in range(100)) + lines.end()
    assert [len(each) for each in found.split(b"\n")[:-1]] == [LONGEST] * 6 + [100_000 - 6 * LONGEST]
