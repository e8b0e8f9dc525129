"""How what is followed is divided among processes: by a hash of each object's key, so that every object is in exactly
one shard, and no namespace, however large, has to be in one alone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shards, number `index` from 0 on."""

    index: int = 0
    count: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether nothing is divided."""
        return self.count == 1

    @property
    def leads(self) -> bool:
        """Whether what is not divided belongs to it as well: nodes, namespaces, grids, the cluster itself."""
        return self.index == 0

    @property
    def text(self) -> str:
        """`1/2` is the first of two; "" where nothing is divided."""
        return "" if self.is_whole else f"{self.index + 1}/{self.count}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The shard of a `text`."""
        number, _, count = text.partition("/")
        return cls(int(number) - 1, int(count)) if count else cls()

    def owns(self, key: str) -> bool:
        """Whether the object of this key is in it. The same in every process and version."""
        return self.is_whole or crc32(key.encode("utf-8", "surrogatepass")) % self.count == self.index

    def name(self, what: str) -> str:
        """What a thing of this shard is called: its name alone where nothing is divided."""
        return f"{what} {self.text}".rstrip()


WHOLE = Shard()


def undivided(name: str) -> str:
    """What a name that `Shard.name` gave is of."""
    return name.partition(" ")[0]


def owned(keys: Iterable[str], shards: Collection[Shard]) -> list[str]:
    """Those of these keys that are in one of these shards."""
    return list(keys) if WHOLE in shards else [key for key in keys if any(shard.owns(key) for shard in shards)]


def all_of(count: int) -> list[Shard]:
    """Every shard."""
    return [Shard(index, count) for index in range(count)]
