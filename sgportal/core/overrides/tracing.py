"""Values that know where in a manifest they come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..text import pointer


@dataclass(frozen=True, slots=True)
class Traced:
    """A value that is no object and no list, and the JSON pointer of where it is written in the manifest ("" for what
    the portal adds). `written` is what stands there, where variables were put in its place."""

    value: Any
    origin: str
    written: Any = None


def traced(value: Any, origin: str) -> Any:
    """A deep copy of what stands at `origin` whose values know where they come from; without nulls."""
    if isinstance(value, Mapping):
        return {key: traced(each, origin + pointer(key)) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [traced(each, origin + pointer(index)) for index, each in enumerate(value)]
    return Traced(value, origin)


def untraced(value: Any) -> Any:
    """The plain value again."""
    if isinstance(value, Mapping):
        return {key: untraced(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [untraced(each) for each in value]
    return value.value if isinstance(value, Traced) else value


def leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Each value within that is no object and no list, traced or not, with its JSON pointer."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, where + pointer(key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from leaves(each, where + pointer(index))
    else:
        yield where, value


def flat(value: Any) -> Iterator[tuple[str, Traced]]:
    """Each traced value with its JSON pointer; of what is empty, nothing."""
    return ((where, each) for where, each in leaves(value) if isinstance(each, Traced))
