"""The lists of a page that are brought up to date block by block, from a template to the browser.

A template says where a list and each of its blocks begins (`list_tags`). What is sent names the version of each list, a
digest of what is in it; a browser says which versions it shows, and gets of a list that is known here only what changed
(docs/decisions/0019-morphing.md). A version stands for the same blocks in every process.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from .changes import Blocks, changes

HEADER = "SG-Shown"
MOST_BLOCKS = 100_000  # of all lists that are known, about 100 bytes each beside their texts
MOST_TEXT = 32_000_000  # characters of those; a text is held once, in whatever lists it is
MOST_SHOWN = 64  # versions that a browser may name
# No text of a page holds these: they are this process's secret, and none is sent.
_SECRET = secrets.token_hex(8)
LIST, BLOCK, NAMED, END = (f"\1{_SECRET}{each}" for each in "lbne")


@dataclass(frozen=True, slots=True)
class List:
    """A list by its name on the page and its version."""

    name: str
    version: str
    blocks: Blocks


@dataclass(frozen=True, slots=True)
class Piece:
    """A list, what stands between the name of its element and its first block, and the text that follows it."""

    list: List
    head: str
    rest: str


@dataclass(frozen=True, slots=True)
class Parted:
    """A page's HTML: a text, and after it lists, each with the text that follows."""

    first: str
    pieces: Sequence[Piece]

    def html(self, shown: frozenset[str] = frozenset()) -> str:
        """As a browser needs it that shows lists of these versions; whole where none of them is known."""
        return "".join(self._texts(shown))

    def bases(self, shown: frozenset[str]) -> frozenset[str]:
        """Those of the versions from which the page's lists can be brought up to date."""
        found = (known.one_of(each.list.name, shown) for each in self.pieces)
        return frozenset(each.version for each in found if each)

    def _texts(self, shown: frozenset[str]) -> Iterator[str]:
        yield self.first
        for each in self.pieces:
            now, base = each.list, known.one_of(each.list.name, shown)
            yield f'data-list="{now.version}"'
            if base is None:
                yield each.head
                yield from now.blocks.values()
            else:
                yield from _patch(base, now, each.head)
            yield each.rest


def _patch(base: List, now: List, head: str) -> Iterator[str]:
    gone, changed = changes(base.blocks, now.blocks)
    yield f' data-from="{base.version}" data-gone="{" ".join(map(str, gone))}"{head}'
    for each in changed:
        end = _end_of_name(each.html)
        yield each.html[:end]
        if each.old is not None:
            yield f' data-old="{each.old}"'
        if each.after is not None:
            yield f' data-after="{each.after}"'
        yield each.html[end:]


def _end_of_name(html: str) -> int:
    return next(place for place, letter in enumerate(html) if letter in " >\n")


def parted(html: str) -> Parted:
    """A page that was made with `list_tags`; its lists are known from now on. One in which two blocks are about the
    same is no list, but text."""
    first, *texts = html.split(LIST)
    pieces: list[Piece] = []
    for text in texts:
        inside, rest = text.split(END, 1)
        opening, *found = inside.split(BLOCK)
        name, head = opening.split(NAMED, 1)
        pairs = [(key, block.strip()) for key, block in (each.split(NAMED, 1) for each in found)]
        blocks = dict(pairs)
        if len(blocks) == len(pairs):
            pieces.append(Piece(known.keep(name, blocks), head, rest))
            continue
        plain = "".join([head, *(block for _, block in pairs), rest])
        if pieces:
            pieces[-1] = Piece(pieces[-1].list, pieces[-1].head, pieces[-1].rest + plain)
        else:
            first += plain
    return Parted(first, pieces)


class _Known:
    """The lists that this process sent last."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, List] = OrderedDict()
        self._texts: dict[str, tuple[str, int]] = {}  # each HTML, and in how many blocks it is
        self._count = self._size = 0
        self._lock = threading.Lock()

    def keep(self, name: str, blocks: dict[str, str]) -> List:
        """A list, the same one from before if there is."""
        version = blake2b("\0".join([name, *blocks.values()]).encode(), digest_size=12).hexdigest()
        with self._lock:
            found = self._lists.get(version)
            if found is None:
                held = {key: self._hold(html) for key, html in blocks.items()}
                found = self._lists[version] = List(name, version, held)
                self._count += len(held) + 1
            self._lists.move_to_end(version)
            while (self._count > MOST_BLOCKS or self._size > MOST_TEXT) and len(self._lists) > 1:
                self._drop(self._lists.popitem(last=False)[1])
        return found

    def one_of(self, name: str, versions: frozenset[str]) -> List | None:
        """The list of a name that has one of these versions."""
        found = (self._lists.get(version) for version in versions)
        return next((each for each in found if each is not None and each.name == name), None)

    def _hold(self, html: str) -> str:
        text, uses = self._texts.get(html, (html, 0))
        self._texts[text] = text, uses + 1
        self._size += 0 if uses else len(text)
        return text

    def _drop(self, old: List) -> None:
        self._count -= len(old.blocks) + 1
        for html in old.blocks.values():
            text, uses = self._texts[html]
            if uses > 1:
                self._texts[text] = text, uses - 1
            else:
                del self._texts[text]
                self._size -= len(text)


known = _Known()


def shown(header: str) -> frozenset[str]:
    """The versions that a browser names."""
    return frozenset(header.split()[:MOST_SHOWN])
