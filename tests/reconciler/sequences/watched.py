"""What the API server is asked to store, write by write: which unit was given which image, and who was ready then."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sgportal.core.workloads.rollout import is_rolled_out


def image_of(body: Any) -> str:
    """The image of a Deployment's first container."""
    return str(body["spec"]["template"]["spec"]["containers"][0]["image"])


def image_in(manifest: Any) -> str:
    """The image in the manifest of a grid."""
    return image_of({"spec": manifest["spec"]["template"]})


@dataclass
class Watched:
    """Every write of a grid's workloads, of the kind `child`, seen within the API server.

    `latest`: the image that is wanted last; `excused`: the units that are not waited for any more (out of reach, given
    up, skipped); `away`: those whose nodes were touched. `most_changing`: how many units had `latest` and were not
    rolled out when one more was given it, this one included. `given`: how often a unit's image was changed to one.
    `below`: units that had fewer available pods than their workload allows. `uids`: of each workload.
    """

    label: str
    child: str = "Deployment"
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
        if change.key != f"{self.child.lower()}s.apps":
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
            changing = [name for name, body in self.live.items() if image_of(body) == image and not is_done(body)]
            self.most_changing = max(self.most_changing, len({*changing, unit} - self.excused))

    def _available(self, unit: str, body: Any) -> None:
        wanted, available = body["spec"]["replicas"], body.get("status", {}).get("availableReplicas", 0)
        if available >= wanted:
            self.full.add(unit)
        elif unit in self.full - self.away and not self.is_available(body):
            self.below.append((unit, image_of(body), available, wanted))

    def is_available(self, body: Any) -> bool:
        """Whether no more pods are missing than may be."""
        return has_enough({**body, "kind": self.child})


def has_enough(body: Any) -> bool:
    """Whether no more pods are missing than may be: of a StatefulSet the one that is being replaced."""
    missing = body["spec"]["replicas"] - body.get("status", {}).get("availableReplicas", 0)
    return bool(missing <= (body["kind"] == "StatefulSet"))


def is_done(body: Any) -> bool:
    """Whether a workload is rolled out, by Kubernetes' own rule."""
    return is_rolled_out(body.get("kind", "Deployment"), body)


Place = tuple[str, str]  # a member and a unit


@dataclass
class WatchedPackage:
    """The same of the members of a package, each in each unit: `Place`.

    `latest`: the image that each member should have at last; `order`: who waits for whom. `changed`: where `latest` was
    given since it is wanted. `wanted`: how often a member was to have an image. `early`: what was given or made before
    those that it waits for were rolled out, `behind` where these had not their latest image. `lost`: what was deleted
    while it was wanted, but for what was there when a member was named again (`going`, uids): whoever had deleted the
    member deleted that, and a deletion under way is not taken back.
    """

    label: str
    order: dict[str, str]
    latest: dict[str, str] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    most_changing: int = 0
    given: Counter = field(default_factory=Counter)
    wanted: Counter = field(default_factory=Counter)
    below: list[Any] = field(default_factory=list)
    early: list[Any] = field(default_factory=list)
    behind: list[Any] = field(default_factory=list)
    lost: list[Place] = field(default_factory=list)
    going: set[str] = field(default_factory=set)
    live: dict[Place, Any] = field(default_factory=dict)
    full: set[Place] = field(default_factory=set)
    changed: set[Place] = field(default_factory=set)

    def want(self, images: dict[str, str]) -> None:
        """These are the members from now on, with these images."""
        for member, image in images.items():
            if self.latest.get(member) != image:
                self.wanted[member, image] += 1
        again = images.keys() - self.latest.keys()
        self.going |= {body["metadata"]["uid"] for (member, _), body in self.live.items() if member in again}
        self.latest, self.excused, self.changed = dict(images), set(self.away), set()

    def __call__(self, change: Any) -> None:
        """A write: what the store calls."""
        if change.key not in ("deployments.apps", "statefulsets.apps"):
            return
        unit = change.body["spec"]["template"]["spec"].get("nodeSelector", {}).get(self.label, "")
        place = change.body["metadata"]["name"].removesuffix(f"-{unit}"), unit
        if change.type == "DELETED":
            self.live.pop(place, None)
            self.full.discard(place)
            if place[0] in self.latest and unit not in self.away and change.body["metadata"]["uid"] not in self.going:
                self.lost.append(place)
            return
        image = image_of(change.body)
        if change.before is None or image_of(change.before) != image:
            self._ordered(place, image)
        if change.before is not None and image_of(change.before) != image:
            self._image(place, image)
        self._available(place, change.body)
        self.live[place] = change.body

    def _image(self, place: Place, image: str) -> None:
        self.given[(*place, image)] += 1
        if image == self.latest.get(place[0]) and place[1] not in self.excused:
            self.changed.add(place)
            changing = {unit for member, unit in self.changed if not is_done(self.live[member, unit])}
            self.most_changing = max(self.most_changing, len({*changing, place[1]} - self.excused))

    def _ordered(self, place: Place, image: str) -> None:
        member, unit = place
        other = self.order.get(member)
        if other not in self.latest or image != self.latest.get(member) or unit in self.excused:
            return
        body = self.live.get((other, unit))
        if body is None or not is_done(body):
            self.early.append((place, image, other, body and (image_of(body), body.get("status"))))
        elif image_of(body) != self.latest[other]:
            self.behind.append((place, image, other, image_of(body)))

    def _available(self, place: Place, body: Any) -> None:
        wanted, available = body["spec"]["replicas"], body.get("status", {}).get("availableReplicas", 0)
        if available >= wanted:
            self.full.add(place)
        elif place in self.full and place[1] not in self.away and not has_enough(body):
            self.below.append((place, image_of(body), available, wanted))
