"""Commands that people run in containers: which may be asked for."""

from collections.abc import Iterator, Sequence

from ..text import Problem, say

MOST_WORDS = 64
LONGEST = 4096  # bytes of a command


def command_problems(words: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with a command: a program and its arguments."""
    if not words or not words[0]:
        yield Problem("/command", say('must name a program and its arguments, such as ["ls", "-l"]'))
    if len(words) > MOST_WORDS:
        yield Problem("/command", say("must have at most %(most)s words", most=MOST_WORDS))
    if sum(len(each.encode(errors="replace")) for each in words) > LONGEST:
        yield Problem("/command", say("must have at most %(most)s bytes", most=LONGEST))
