"""How much may go at once without a person: a share of what there is, and always a few."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Brake:
    """`minimum`: so many may always go. `share`: beyond that, so many percent of what there is."""

    share: int
    minimum: int

    def holds(self, going: int, there: int) -> bool:
        """Whether it takes a person that `going` of the `there` that there were go."""
        return going > self.minimum and going * 100 > self.share * there
