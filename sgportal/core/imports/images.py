"""The parts of an image's name, and how KubeEdge changes one of them (its `imageOverriders`)."""

import re
from dataclasses import dataclass, replace

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
COMPONENTS = ("Registry", "Repository", "Tag")
OPERATORS = ("add", "remove", "replace")


@dataclass(frozen=True, slots=True)
class Image:
    """`[registry/]repository[:tag][@digest]`."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        name = f"{self.registry}/{self.repository}" if self.registry else self.repository
        if self.tag:
            return f"{name}:{self.tag}"
        return f"{name}@{self.digest}" if self.digest else name


def image_of(text: str) -> Image:
    """The parts of a name. What stands before the first slash is a registry if it has a dot or a port, or is
    localhost."""
    name, _, digest = text.partition("@")
    before, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        name = before
    else:
        tag = ""
    registry, slash, repository = name.partition("/")
    if not slash or not (set(".:") & set(registry) or registry == "localhost"):
        registry, repository = "", name
    return Image(registry, repository, tag, digest)


def changed(text: str, component: str, operator: str, value: str) -> str:
    """The name with one of its COMPONENTS changed by one of the OPERATORS; `add` puts the value behind what is
    there."""
    image = image_of(text)
    if component == "Tag":
        if operator == "remove":
            return str(replace(image, tag="") if image.tag else replace(image, digest=""))
        wanted = (image.tag or image.digest) * (operator == "add") + value
        return str(
            replace(image, tag=wanted, digest="") if _TAG.fullmatch(wanted) else replace(image, tag="", digest=wanted)
        )
    field = component.lower()
    before = getattr(image, field) if operator == "add" else ""
    return str(replace(image, **{field: "" if operator == "remove" else before + value}))
