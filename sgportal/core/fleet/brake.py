"""How much may go at once without a person: a share of what there is, and always a few."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Brake:
    """`minimum`: so many may always go. `share`: beyond that, so many percent of what there is."""

    share: int
    minimum: int

    def holds(self, going: int, there: int) -> bool:
        """Whether it takes a person that `going` of the `there` that there were go."""
        return going > self.minimum and going * 100 > self.share * there


@dataclass(frozen=True, slots=True)
class Count:
    """Children that go without a person's having asked for it (those that went lately included), and all that there
    were."""

    going: int
    there: int

    @property
    def leaves_nothing(self) -> bool:
        """Whether nothing is left of several."""
        return self.going == self.there > 1


def takes_a_person(brake: Brake, counts: Iterable[Count]) -> bool:
    """Whether children may not be deleted without a person: too many of one of these, or all of it."""
    return any(each.leaves_nothing or brake.holds(each.going, each.there) for each in counts)
