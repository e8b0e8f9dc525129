"""One entry of `spec.overrides`: what is different in some NodeUnits, as a patch over the child's spec."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..text import Place, Sentence, pointer, say
from .choice import Choice, choice_of
from .merging import DELETE, DIRECTIVE, Path, leaves, merged
from .tracing import traced, untraced

IN_CONTAINER = ("image", "env", "args", "resources")


class Unfit(Exception):
    """An override that cannot be laid over a template; `field` is the one of its fields that the sentence is about."""

    def __init__(self, field: str, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Override:
    """What `entry`, at `index` in the list, changes in the units of its `choice`."""

    index: int
    choice: Choice
    entry: Mapping[str, Any]

    @property
    def where(self) -> str:
        """Its JSON pointer in the manifest."""
        return "/spec/overrides" + pointer(self.index)

    def patches(self, template: Mapping[str, Any], trace: bool = False) -> list[Mapping[str, Any]]:
        """What is laid over a template, one after the other: the short forms as one patch, then `patch`. With `trace`
        their values know where they are written. Raises Unfit."""
        entry = {name: _traced_patch(each, self.where + pointer(name)) for name, each in self.entry.items()}
        if not trace:
            entry = dict(self.entry)
        short: dict[str, Any] = {}
        if entry.get("replicas") is not None:
            short["replicas"] = entry["replicas"]
        if any(entry.get(name) is not None for name in IN_CONTAINER):
            container = _container(entry, untraced(entry.get("container")) or self._the_container(template))
            short["template"] = {"spec": {"containers": [container]}}
        return [each for each in (short, entry.get("patch")) if each]

    def _the_container(self, template: Mapping[str, Any]) -> str:
        names = container_names(template)
        if len(names) != 1:
            shown = ", ".join(names)
            raise Unfit("container", say("is required: the template has several containers (%(names)s)", names=shown))
        return names[0]

    def check(self, template: Mapping[str, Any]) -> None:
        """Raises Unfit where the template does not have the container that is meant."""
        uses = any(self.entry.get(name) is not None for name in IN_CONTAINER)
        wanted, names = self.entry.get("container"), container_names(template)
        if uses and wanted is not None and wanted not in names:
            shown = ", ".join(names)
            raise Unfit(
                "container",
                say("“%(name)s” is no container of the template: it has %(names)s", name=wanted, names=shown),
            )
        if uses and wanted is None:
            self._the_container(template)


def container_names(template: Mapping[str, Any]) -> list[str]:
    """The names of the containers of a template, which may be traced."""
    pod = (template.get("template") or {}).get("spec") or {}
    return [untraced(each["name"]) for each in pod.get("containers") or ()]


def _container(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = {"name": name, **{each: entry[each] for each in IN_CONTAINER if entry.get(each) is not None}}
    if "env" in found:
        found["env"] = [_whole_variable(each) for each in found["env"]]
    return found


def _whole_variable(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A variable of the environment in place of another of its name, whichever way that has its value."""
    return {**dict.fromkeys(("value", "valueFrom")), **entry}


def _traced_patch(value: Any, origin: str) -> Any:
    """A traced copy of what may be a patch: nulls stay, for they remove."""
    if isinstance(value, Mapping):
        return {key: _traced_patch(each, origin + pointer(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_traced_patch(each, origin + pointer(index)) for index, each in enumerate(value)]
    return None if value is None else traced(value, origin)


def overrides_of(entries: Sequence[Mapping[str, Any]] | None) -> tuple[Override, ...]:
    """The entries of a valid `spec.overrides`."""
    return tuple(Override(index, choice_of(entry), entry) for index, entry in enumerate(entries or ()))


def laid_over(
    template: Mapping[str, Any], overrides: Sequence[Override], type_name: str, trace: bool = False
) -> dict[str, Any]:
    """A template, a spec of `type_name`, with overrides laid over it in their order. Raises Unfit."""
    found = dict(template)
    for override in overrides:
        override.check(template)
        for patch in override.patches(template, trace):
            found = merged(found, patch, type_name)
    return found


@dataclass(frozen=True, slots=True)
class Clash:
    """Two overrides that say different things of one field, `path` in words. `first` is that which stands first."""

    first: Override
    second: Override
    path: str

    def sentence(self, unit: str) -> Sentence:
        """The clash, as it is said of the second."""
        return say(
            "sets %(field)s of NodeUnit “%(unit)s” to another value than %(first)s",
            field=self.path,
            unit=unit,
            first=Place(self.first.where),
        )


def clash_among(overrides: Sequence[Override], template: Mapping[str, Any], type_name: str) -> Clash | None:
    """The first clash among overrides that hold in one unit. The same value twice is none. Raises Unfit."""
    values: dict[Path, tuple[Any, Override]] = {}
    above: dict[Path, Override] = {}
    for override in overrides:
        for path, value in _leaves(override, template, type_name):
            other = _other(path, value, values, above)
            if other is not None:
                return Clash(other, override, ".".join(path))
            values[path] = value, override
            for length in range(1, len(path)):
                above.setdefault(path[:length], override)
    return None


def _leaves(override: Override, template: Mapping[str, Any], type_name: str) -> Iterator[tuple[Path, Any]]:
    for patch in override.patches(template):
        yield from leaves(patch, type_name)


def _other(
    path: Path, value: Any, values: Mapping[Path, tuple[Any, Override]], above: Mapping[Path, Override]
) -> Override | None:
    """Whoever says something else of this field, of one above it or of one within it."""
    if path in values:
        return None if values[path][0] == value else values[path][1]
    higher = next((path[:length] for length in range(1, len(path)) if path[:length] in values), None)
    return values[higher][1] if higher else above.get(path)


def strip_directives(value: Any) -> Any:
    """A patch without what removes something, so that the rest can be checked by type."""
    if isinstance(value, Mapping):
        return {key: strip_directives(each) for key, each in value.items() if key != DIRECTIVE}
    if isinstance(value, list):
        kept = [each for each in value if not (isinstance(each, Mapping) and each.get(DIRECTIVE) == DELETE)]
        return [strip_directives(each) for each in kept]
    return value
