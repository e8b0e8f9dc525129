"""An input, objects of SuperEdge, OpenYurt or KubeEdge, as NodeUnits and grids."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..grids.kinds import KINDS
from ..names import GROUP
from ..text import Invalid, Problem, pointer, say
from ..units import NodeView
from . import kubeedge, openyurt, superedge, yurtappset
from .bundle import Bundle
from .report import Translation
from .source import Source, opened

MOST_OBJECTS = 2000
TRANSLATED = {
    GROUP: KINDS,
    superedge.SITE: ("NodeUnit", "NodeGroup"),
    yurtappset.GROUP: ("NodePool", *yurtappset.KINDS, "YurtAppOverrider"),
    kubeedge.GROUP: ("NodeGroup", "EdgeApplication"),
    "": ("Service",),
}


def translate(documents: Sequence[Any], nodes: Iterable[NodeView]) -> Translation:
    """What the documents of an input come to in a cluster with these nodes; a `List` stands for its items.

    Raises Invalid for what has not the types that its kind has, each problem with its JSON pointer, which begins with
    the document's index where there are several.
    """
    sources = [opened(where, each) for where, each in _objects(documents)]
    if not sources:
        raise Invalid(Problem("", say("at least one manifest is expected")))
    if len(sources) > MOST_OBJECTS:
        text = say("at most %(limit)s objects at once, not %(count)s", limit=MOST_OBJECTS, count=len(sources))
        raise Invalid(Problem("", text))
    _refuse_twice(sources)
    bundle = Bundle(sources, nodes)
    superedge.translate(bundle)
    openyurt.translate(bundle)
    kubeedge.translate(bundle)
    for source in sources:
        if source.kind not in TRANSLATED.get(source.group, ()):
            source.not_imported("", source.kind, source.api_version)
    return bundle.translation()


def _objects(documents: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The objects and their JSON pointers."""
    for index, document in enumerate(documents):
        where = pointer(index) if len(documents) > 1 else ""
        if isinstance(document, Mapping) and isinstance(document.get("items"), list):
            yield from ((where + pointer("items", at), each) for at, each in enumerate(document["items"]))
        else:
            yield where, document


def _refuse_twice(sources: Iterable[Source]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for source in sources:
        mark = (source.group, source.kind, source.namespace, source.name)
        if mark in seen:
            text = say("is the same object as %(first)s", first=seen[mark] or "/")
            raise Invalid(Problem(source.where + "/metadata/name", text))
        seen[mark] = source.where
