"""What was decided about a child that its grid does not want any more: its deletion waits for a person, or a person
said to keep it, or to delete it."""

from collections.abc import Mapping
from typing import Literal

from ..text import Sentence, say

Retirement = Literal["held", "kept", "approved"]
HELD: Retirement = "held"
KEPT: Retirement = "kept"
APPROVED: Retirement = "approved"
DELETION_HELD = "DeletionHeld"  # the reason of a unit whose child waits

# Why such a child stays: the reason and the sentence of its unit.
STAYS: Mapping[Retirement | None, tuple[str, Sentence]] = {
    HELD: (
        DELETION_HELD,
        say("its workload is no longer wanted, but too many would be deleted at once: somebody has to decide"),
    ),
    KEPT: ("DeletionKept", say("its workload is no longer wanted and is kept by decision")),
}
