"""A value with variables in its texts, prepared once to be filled in for many units."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..schema import VARIABLE
from ..text import Problem
from ..units import Unit
from .variables import Variables, joined, parted, value_of

# Where something is: steps into objects and lists, None at the end of each.
Tree = Mapping[Any, "Tree | None"]
NOWHERE: Tree = {}
Check = Callable[[Any], Iterator[Problem]]
_NONSENSE = "\0 no {name} of anything"


@dataclass(slots=True)
class Form:
    """`value` has variables in these `texts`, in order of the `tree` of where they are. `ruled`: the indices of those
    texts for which there is any rule; what is put into the others cannot make the value invalid, unless it is empty, or
    the same as another text: one of the `fixed` ones, which have no variables, or one beside it."""

    value: Any
    tree: Tree
    texts: Sequence[str]
    ruled: Sequence[int]
    fixed: frozenset[str]
    _parts: Sequence[Sequence[str]] = field(init=False)
    _names: Sequence[str] = field(init=False)
    _problems: dict[tuple[str | None, ...], Problem | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._parts = [parted(text) for text in self.texts]
        self._names = list(dict.fromkeys(name for parts in self._parts for name in parts[1::2]))

    def fill(self, value: Any, unit: Unit, known: Variables, check: Check) -> tuple[Any, Problem | None]:
        """A value that has the same texts at these places, with the variables of a unit, and what is wrong with it
        then. Raises `variables.Missing`."""
        values = {name: value_of(name, unit, known) for name in self._names}
        texts = [joined(parts, values) for parts in self._parts]
        found = put(value, self.tree, iter(texts))
        mark = tuple(
            text if index in self.ruled or not text or text in self.fixed or texts.count(text) > 1 else None
            for index, text in enumerate(texts)
        )
        if mark not in self._problems:
            self._problems[mark] = next(check(found), None)
        return found, self._problems[mark]


def form_of(value: Any, check: Check) -> Form | None:
    """The form of a value whose problems `check` finds, None where no text in it has a variable."""
    tree, texts = _where(value), list(_texts(value))
    if not tree:
        return None
    return Form(value, tree, texts, _ruled(value, tree, texts, check), frozenset(_fixed(value)))


def _where(value: Any) -> Tree | None:
    """The tree of all texts with variables within an object or a list."""
    steps = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    found: dict[Any, Tree | None] = {}
    for step, each in steps:
        if _is_form(each):
            found[step] = None
        elif inner := _where(each):
            found[step] = inner
    return found or None


def _is_form(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value and VARIABLE.search(value) is not None


def _texts(value: Any) -> Iterator[str]:
    """The texts with variables, in the order of the tree."""
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        if _is_form(each):
            yield each
        else:
            yield from _texts(each)


def _fixed(value: Any) -> Iterator[str]:
    """The texts without variables."""
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else (value,):
        if isinstance(each, Mapping | list):
            yield from _fixed(each)
        elif isinstance(each, str) and not _is_form(each):
            yield each


def put(value: Any, tree: Tree, texts: Iterator[str]) -> Any:
    """The value with these texts at the places of a tree. What is not on the way there is the same object."""
    found: Any = value.copy() if isinstance(value, dict | list) else dict(value)
    for step, inner in tree.items():
        found[step] = next(texts) if inner is None else put(found[step], inner, texts)
    return found


def _ruled(value: Any, tree: Tree, texts: Sequence[str], check: Check) -> Sequence[int]:
    """The indices of texts that may not be just anything: nonsense there is a problem, by itself or beside the same
    nonsense elsewhere."""
    every = range(len(texts))
    if any(check(value)):
        return every

    def is_wrong(*nonsense: int) -> bool:
        written = (_NONSENSE if index in nonsense else text for index, text in enumerate(texts))
        return any(check(put(value, tree, written)))

    ruled = [index for index in every if is_wrong(index)]
    return every if is_wrong(*(index for index in every if index not in ruled)) else ruled
