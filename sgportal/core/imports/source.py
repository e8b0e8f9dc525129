"""An object that is being translated, and what is accounted for of it so far. What nobody accounted for is said to be
lost, so that a field which a translator does not know is never dropped in silence."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..names import LAST_APPLIED
from ..schema import check, check_fields, wrong_type
from ..text import NOTHING, REQUIRED, Invalid, Problem, Sentence, first_of, one_of, parts_of, pointer, say
from .report import Carried, Finding, Level, SourceReport

Fields = Mapping[str, str]  # by name the type, as `core.schema.check` has it
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
# What the API server writes, and what says how an object is and not how it should be.
_SERVERS = (
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/generation",
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/metadata/deletionGracePeriodSeconds",
    "/metadata/managedFields",
    "/metadata/selfLink",
    "/metadata/annotations" + pointer(LAST_APPLIED),
    "/status",
)


class Source:
    """An object of the input at `where` (a JSON pointer). `carry` and `note` account for fields."""

    def __init__(self, where: str, document: Mapping[str, Any]) -> None:
        self.where = where
        self.document = document
        self._carried: dict[str, str] = {}
        self._findings: list[Finding] = []
        self._accounted: set[str] = {"/apiVersion", "/kind"}

    @property
    def api_version(self) -> str:
        """Such as `apps.openyurt.io/v1beta1`."""
        return str(self.document["apiVersion"])

    @property
    def group(self) -> str:
        """Such as `apps.openyurt.io`; "" for Kubernetes' oldest."""
        return self.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        """Such as `NodePool`."""
        return str(self.document["kind"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.document["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace; what has none is in `default`, as kubectl has it."""
        return str(self.document["metadata"].get("namespace") or "default")

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        return self.document["metadata"].get("labels") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        """The object's spec, an object."""
        return self.document.get("spec") or {}

    def check(self, fields: Fields, at: str = "/spec", required: tuple[str, ...] = ()) -> None:
        """Raises Invalid unless the fields of the object at a pointer that are known have these types. Others may be
        there, and are reported."""
        value = look_up(self.document, at)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise Invalid(wrong_type(value, "an object", self.where + at))
        known = {name: (type_name, name in required) for name, type_name in fields.items()}
        found = {name: each for name, each in value.items() if name in known}
        if problems := first_of(check_fields(found, known, self.where + at)):
            raise Invalid(*problems)

    def check_value(self, value: Any, type_name: str, at: str) -> None:
        """Raises Invalid unless a value, made of what is at a pointer, has a type."""
        if problems := first_of(check(value, type_name, self.where + at)):
            raise Invalid(*problems)

    def check_selector(self, at: str) -> None:
        """Raises Invalid unless what is at a pointer is a label selector."""
        self.check_value(look_up(self.document, at), "LabelSelector", at)
        self.check_operators(at)

    def check_operators(self, at: str) -> None:
        """Raises Invalid for an operator that there is not in a selector at a pointer whose types are right."""
        for index, each in enumerate(look_up(self.document, at + "/matchExpressions") or ()):
            if each["operator"] not in OPERATORS:
                raise self.refuse(at + pointer("matchExpressions", index, "operator"), one_of(OPERATORS))

    def carry(self, at: str, to: str) -> None:
        """What is at a pointer, with all within it, went to `to`."""
        if look_up(self.document, at) is not None:
            self._carried[at] = to
            self._accounted.add(at)

    def note(self, level: Level, at: str, sentence: Sentence, cure: Sentence = NOTHING, command: str = "") -> None:
        """Say something of what is at a pointer, which accounts for it and all within it."""
        self._findings.append(Finding(level, self.where + at, sentence, cure, command))
        self._accounted.add(at)

    def lost(self, at: str, cure: Sentence, command: str = "") -> None:
        """What is at a pointer, if anything is, has no equivalent."""
        if look_up(self.document, at) is not None:
            self.note("lost", at, say("has no equivalent here and is not carried over"), cure, command)

    def made_anew(self, at: str) -> None:
        """What is at a pointer says how an object is, and not how it should be."""
        self.note("note", at, say("is written by the cluster, and made anew"))

    def settled(self, at: str) -> None:
        """The selector of nodes at a pointer was answered once."""
        self.note(
            "changed",
            at,
            say("nodes that match now are labelled; here a NodeUnit is its nodes' label, and no selector is kept"),
            say("label nodes that join later, on the page “Nodes” or with kubectl"),
        )

    def by_kubectl(self, at: str, sentence: Sentence) -> None:
        """The manifest at a pointer is none of ours, for this reason."""
        self.note("lost", at, sentence, say("apply it with kubectl"), "kubectl apply -f …")

    def not_imported(self, at: str, kind: str, version: str) -> None:
        """Nobody here knows a manifest of this kind, which is at a pointer."""
        text = say("%(kind)s (%(version)s) is not imported", kind=kind[:100], version=version[:100])
        self.by_kubectl(at, text)

    def refuse(self, at: str, sentence: Sentence) -> Invalid:
        """The exception that says what is wrong at a pointer."""
        return Invalid(Problem(self.where + at, sentence))

    def report(self) -> SourceReport:
        """What became of every field."""
        told = self._accounted | _above(self._accounted)
        for at in _SERVERS:
            if at not in told and look_up(self.document, at) is not None:
                self.made_anew(at)
        for at in _left(self.document, "", self._accounted, _above(self._accounted)):
            self.lost(at, say("look up what it does there; if it is needed, set it by hand"))
        carried = tuple(Carried(self.where + at, to) for at, to in self._carried.items())
        place = self.document["metadata"].get("namespace") or ""
        return SourceReport(self.where, self.api_version, self.kind, place, self.name, carried, tuple(self._findings))


def opened(where: str, document: Any) -> Source:
    """An object to translate. Raises Invalid unless it has apiVersion, kind and a name."""
    if not isinstance(document, Mapping):
        raise Invalid(wrong_type(document, "an object", where))
    problems = [
        *_text_problems(document, ("apiVersion", "kind"), where),
        *check(document.get("metadata"), "ObjectMeta", where + "/metadata"),
    ]
    metadata = document.get("metadata")
    if not problems and not (isinstance(metadata, Mapping) and metadata.get("name")):
        problems.append(Problem(where + "/metadata/name", REQUIRED))
    odd = [name for name in ("spec", "status") if not isinstance(document.get(name) or {}, Mapping)]
    problems += [wrong_type(document[name], "an object", where + pointer(name)) for name in odd]
    if problems:
        raise Invalid(*problems)
    return Source(where, document)


def _text_problems(document: Mapping[str, Any], names: tuple[str, ...], where: str) -> Iterator[Problem]:
    for name in names:
        value = document.get(name)
        if value is None or value == "":
            yield Problem(where + pointer(name), REQUIRED)
        elif not isinstance(value, str):
            yield wrong_type(value, "text", where + pointer(name))


def look_up(value: Any, at: str) -> Any:
    """What is at a JSON pointer; None where there is nothing."""
    for name in parts_of(at):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _above(pointers: Iterable[str]) -> set[str]:
    """The pointers of all that has one of these within it."""
    return {at[:end] for at in pointers for end, mark in enumerate(at) if mark == "/"}


def _left(value: Any, at: str, accounted: set[str], above: set[str]) -> Iterator[str]:
    """The pointers of what nobody accounted for, each as high as may be."""
    if value is None or at in accounted:
        return
    if at and at not in above:
        yield at
        return
    names = value.keys() if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        yield from _left(value[name], at + pointer(name), accounted, above)
