"""What the API server is asked to store, write by write: which unit was given which image, and who was ready then."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sgportal.core.workloads.rollout import is_rolled_out


def image_of(body: Any) -> str:
    """The image of a Deployment's first container."""
    return str(body["spec"]["template"]["spec"]["containers"][0]["image"])


@dataclass
class Watched:
    """Every write of a grid's Deployments, seen within the API server.

    `latest`: the image that is wanted last; `excused`: the units that are not waited for any more (out of reach, given
    up, skipped); `away`: those whose nodes were touched. `most_changing`: how many units had `latest` and were not
    rolled out when one more was given it, this one included. `given`: how often a unit's image was changed to one.
    `below`: units that had fewer available pods than their Deployment allows. `uids`: of each Deployment.
    """

    label: str
    latest: str = ""
    excused: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    most_changing: int = 0
    given: Counter = field(default_factory=Counter)
    below: list[Any] = field(default_factory=list)
    uids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    live: dict[str, Any] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)

    def __call__(self, change: Any) -> None:
        """A write: what the store calls."""
        if change.key != "deployments.apps":
            return
        unit = change.body["spec"]["template"]["spec"].get("nodeSelector", {}).get(self.label, "")
        if change.type == "DELETED":
            self.live.pop(unit, None)
            return
        self.uids[unit].add(change.body["metadata"]["uid"])
        if change.before is not None and image_of(change.before) != image_of(change.body):
            self._image(unit, image_of(change.body))
        self._available(unit, change.body)
        self.live[unit] = change.body

    def _image(self, unit: str, image: str) -> None:
        self.given[unit, image] += 1
        if image == self.latest and unit not in self.excused:
            changing = [name for name, body in self.live.items() if image_of(body) == image and not _done(body)]
            self.most_changing = max(self.most_changing, len({*changing, unit} - self.excused))

    def _available(self, unit: str, body: Any) -> None:
        wanted, available = body["spec"]["replicas"], body.get("status", {}).get("availableReplicas", 0)
        if available >= wanted:
            self.full.add(unit)
        elif unit in self.full - self.away:
            self.below.append((unit, image_of(body), available, wanted))


def _done(body: Any) -> bool:
    return is_rolled_out("Deployment", body)
