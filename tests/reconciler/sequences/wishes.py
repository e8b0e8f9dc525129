"""What a person wants a package to be, and how that is written."""

from dataclasses import dataclass, replace

from ..groups.test_packages import a_package
from ..world import a_template
from .fleet import LABEL
from .watched import image_in

ORDER = {"web": "db", "api": "db"}  # who waits for whom


@dataclass(frozen=True)
class Wish:
    """What a package should be: the image of each member, None where there should be none; whether it is paused."""

    images: tuple[tuple[str, str], ...] | None
    paused: bool = False

    @property
    def members(self):
        return dict(self.images or ())

    def having(self, **images):
        """The same with other images (None: without that member)."""
        merged = {**self.members, **images}
        return replace(self, images=tuple(sorted((name, image) for name, image in merged.items() if image)))


def wish_of(spec):
    """What the spec of a package says."""
    images = {each["metadata"]["name"]: image_in(each) for each in spec["grids"]}
    return Wish(tuple(sorted(images.items())), bool(spec.get("paused")))


def manifest_of(wish, rollout, kinds, join):
    """The manifest of a package that is as somebody wishes, with this rollout, the kind of each member, and when
    NodeUnits join."""
    grids = [
        {
            "kind": kinds[name],
            "metadata": {"name": name},
            "spec": {"template": a_template(image, 2, app=name), "joinPolicy": join},
        }
        for name, image in wish.members.items()
    ]
    named = {name: f"{kinds[name].lower()}/{name}" for name in wish.members}
    order = {named[who]: [named[on]] for who, on in ORDER.items() if {who, on} <= wish.members.keys()}
    asked = {**({"rollout": rollout} if rollout else {}), **({"dependsOn": order} if order else {})}
    return a_package(*grids, gridUniqKey=LABEL, paused=wish.paused, **asked)
