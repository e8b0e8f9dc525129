"""Who puts a field back after we set it: counted, so that two controllers do not write against one another for ever."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .diff import Change

CONTESTED = "Contested"
TRIES = 3  # so often a field is set in a row; then it is contested
RETRY_SECONDS = 3600.0  # until a contested field is tried again
FORGET_SECONDS = 2 * RETRY_SECONDS  # a field that was not set for so long is not contested


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often a field was set to one value in a row and did not keep it: `want` is a digest of the value, `by` who
    set another since, `at` when we last set it, epoch seconds. With `admission` the API server itself changes it in the
    very write, by one of the webhooks or policies named in `suspects`."""

    tries: int
    want: str
    at: float
    by: str = ""
    admission: bool = False
    suspects: tuple[str, ...] = ()

    def holds_off(self, change: Change, now: float) -> bool:
        """Whether the field is not to be set now."""
        return self.is_exhausted(change) and now < self.at + RETRY_SECONDS

    def is_exhausted(self, change: Change) -> bool:
        """Whether the field has been set to this value often enough."""
        return self.tries >= TRIES and self.want == digest(change.new)

    def has_lost_a_rival(self, asked: Collection[str] | None) -> bool:
        """Whether one of those that may have changed the field is not among the webhooks and policies that are `asked`
        now, so that it may keep its value. None: nobody knows who is."""
        return asked is not None and not set(self.suspects) <= set(asked)

    def to_json(self) -> dict[str, Any]:
        """The attempt as a JSON object, for a database row; `from_json` reads it back."""
        found: dict[str, Any] = {"tries": self.tries, "want": self.want, "at": self.at}
        return {**found, "by": self.by, "admission": self.admission, "suspects": list(self.suspects)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Attempt":
        """The attempt that `to_json` wrote."""
        suspects = tuple(value.get("suspects") or ())
        return Attempt(value["tries"], value["want"], value["at"], value["by"], value["admission"], suspects)


Attempts = Mapping[str, Attempt]


def digest(value: Any) -> str:
    """A short digest of a wanted value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def after_writing(before: Attempts, written: Iterable[Change], now: float) -> dict[str, Attempt]:
    """The attempts once these fields were set again."""
    found = remembered(before, now)
    for change in written:
        last = found.get(change.name)
        wanted = digest(change.new)
        tries = last.tries + 1 if last and last.want == wanted else 1
        found[change.name] = Attempt(tries, wanted, now, change.by)
    return found


def after_admission(before: Attempts, resisted: Iterable[Change], suspects: Iterable[str], now: float) -> Attempts:
    """The attempts once an answer showed these fields otherwise than they were sent, so that it is no use to go on."""
    fresh = {
        change.name: Attempt(TRIES, digest(change.new), now, admission=True, suspects=tuple(suspects))
        for change in resisted
    }
    return {**remembered(before, now), **fresh}


def remembered(attempts: Attempts, now: float) -> dict[str, Attempt]:
    """The attempts that are not long past."""
    return {name: each for name, each in attempts.items() if now < each.at + FORGET_SECONDS}


def retry_at(attempts: Attempts) -> float | None:
    """When the first contested field is to be tried again, epoch seconds; None where none is contested."""
    return min((each.at + RETRY_SECONDS for each in attempts.values() if each.tries >= TRIES), default=None)
