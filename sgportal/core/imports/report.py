"""What becomes of every field of objects that were made for SuperEdge, OpenYurt or KubeEdge."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from ..text import NOTHING, Problem, Sentence

# From harmless to grave. `note`: nothing is to be done. `changed`: carried over in another form, which differs in what
# the sentence says. `lost`: has no equivalent. `restarts`: pods start anew. `blocked`: nothing is applied before the
# input is changed.
Level = Literal["note", "changed", "lost", "restarts", "blocked"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person should know of a field (a JSON pointer into the input): `sentence`, what to do about it (`cure`),
    and the shell `command` for that, where there is one."""

    level: Level
    pointer: str
    sentence: Sentence
    cure: Sentence = NOTHING
    command: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """A field of the input (a JSON pointer) and where it went: `<plural>/<namespace>/<name>` and a JSON pointer in that
    manifest, or `nodes` and a label."""

    pointer: str
    to: str


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of one object; `where` is its JSON pointer in the input, "" for the only one."""

    where: str
    api_version: str
    kind: str
    namespace: str
    name: str
    carried: tuple[Carried, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """What an input comes to: `manifests` of grids, `labels` that nodes are to have (node → key → value) beside those
    they have, the `members` of NodeUnits (key → NodeUnit → nodes), and what became of each object. `origins`: by path
    of a manifest a pointer in it, and the one in the input that it comes from."""

    manifests: tuple[Mapping[str, Any], ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    sources: tuple[SourceReport, ...] = ()
    origins: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def place(self, path: str, at: str) -> str:
        """Where in the input what stands at a pointer of the manifest of this path comes from, as near as is known."""
        prefix, origin = self.origins[path]
        return origin + at.removeprefix(prefix) if at.startswith(prefix) else origin

    def findings(self, *levels: Level) -> Iterator[Finding]:
        """All findings of these levels, of all objects."""
        for source in self.sources:
            yield from (each for each in source.findings if each.level in levels)

    @property
    def is_blocked(self) -> bool:
        """Whether nothing of it may be applied."""
        return any(True for _ in self.findings("blocked"))

    def blocked_by(self, problems: Iterable[Problem]) -> "Translation":
        """The same, blocked by problems whose pointers lead into the input; each is told with the object it is in."""
        found = {each.where: list(each.findings) for each in self.sources}
        for problem in problems:
            within = [where for where in found if f"{problem.pointer}/".startswith(f"{where}/")]
            where = max(within, key=len, default=self.sources[0].where)
            found[where].append(Finding("blocked", problem.pointer, problem.sentence))
        sources = tuple(replace(each, findings=tuple(found[each.where])) for each in self.sources)
        return replace(self, sources=sources)

    def count(self) -> dict[str, int]:
        """How many findings there are of each level."""
        return {level: sum(1 for _ in self.findings(level)) for level in LEVELS}
