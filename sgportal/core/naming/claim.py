"""What is said of the names of a Service: whether each NodeUnit gets its own answer, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..health import Truth
from ..text import Sentence, say
from .fragment import Governed


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done for the names of a Service. `place`: the ConfigMap, as `namespace/name`, "" where none is set;
    `error`: why it is not as it should be. `unknown`: nodes whose questions cannot be told from others'. `ambiguous`:
    StatefulSetGrids whose short names are those of other pods."""

    place: str
    error: Sentence | None = None
    unknown: Sequence[str] = ()
    ambiguous: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NamesClaim:
    """Whether it holds; `reason` is CamelCase."""

    truth: Truth
    reason: str
    sentence: Sentence


def claim(service: Governed, headless: bool, kept: Kept) -> NamesClaim | None:
    """What is so of the names of a Service; None where it has none that could be a NodeUnit's own."""
    if not (headless or service.sets):
        return None
    if not kept.place:
        text = say("names of this Service mean the same in every NodeUnit: SGPORTAL_DNS_CONFIGMAP is not set")
        return NamesClaim("False", "NotSetUp", text)
    if not (service.sets or service.fronted):
        text = say(
            "the Service's name lists the pods of all NodeUnits; with “front: perUnit” it lists in each NodeUnit those "
            "of that one"
        )
        return NamesClaim("False", "NoFront", text)
    return _fault(kept) or _held(service, headless, kept)


def _fault(kept: Kept) -> NamesClaim | None:
    if kept.error:
        text = say("the ConfigMap %(place)s is not as it should be: %(reason)s", place=kept.place, reason=kept.error)
        return NamesClaim("False", "NotWritten", text)
    if kept.ambiguous:
        text = say(
            "the short names of the pods of “%(name)s” are names of other pods of this Service, and mean those",
            name=kept.ambiguous[0],
        )
        return NamesClaim("False", "AmbiguousName", text)
    if kept.unknown:
        text = say(
            "%(count)s nodes, first %(node)s, have no podCIDR or share addresses with another NodeUnit: what asks from "
            "there gets the answer that is the same everywhere",
            count=len(kept.unknown),
            node=kept.unknown[0],
        )
        return NamesClaim("False", "AddressesUnknown", text)
    return None


def _held(service: Governed, headless: bool, kept: Kept) -> NamesClaim:
    if headless and not service.fronted:
        text = say(
            "by the ConfigMap %(place)s the names of single pods are each NodeUnit's own, where CoreDNS imports it; "
            "the Service's name lists the pods of all NodeUnits, unless “front: perUnit” is set",
            place=kept.place,
        )
        return NamesClaim("True", "PodNames", text)
    text = say("by the ConfigMap %(place)s names are each NodeUnit's own, where CoreDNS imports it", place=kept.place)
    return NamesClaim("True", "Written", text)
