"""What a keeper process did, counted for whoever measures it."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds


@dataclass
class ControllerMetrics:
    """What was done since the process began: slices `written` (made, changed or deleted), jobs that `failed`; and how
    many Services are `kept` now. `delays` counts jobs by the seconds from the news to the written slices: one number
    for each of BUCKETS, the seconds above the bucket before and up to it, and one for more than all; `seconds` is
    their sum."""

    written: int = 0
    failed: int = 0
    kept: int = 0
    delays: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def took(self, seconds: float) -> None:
        """Count a job that went well."""
        self.delays[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def figures(self) -> dict[str, Any]:
        """All of it as JSON; `delays` as `[upper bound in seconds, jobs up to it]`, the last bound being `+Inf`."""
        bounds = [*map(str, BUCKETS), "+Inf"]
        delays = [[bound, sum(self.delays[: index + 1])] for index, bound in enumerate(bounds)]
        counted = {"written": self.written, "failed": self.failed, "kept": self.kept}
        return {**counted, "delays": delays, "seconds": round(self.seconds, 6)}
