"""How the API server reads a body: types that do not fit, fields it does not know (KEP-2885), and what its own types
cannot hold: a null, an empty optional list or map."""

from dataclasses import dataclass, field
from typing import Any

from ..kinds.served import Kind
from ..kinds.shapes import INT32, Shape, metadata_shape, shape_of
from ..objects.errors import ApiError, cause, invalid
from ..objects.quantities import problem as quantity_problem
from ..objects.values import Object
from .request import Request

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float), "int-or-string": (int, str), "quantity": (str, int, float),
}  # fmt: skip
_WORDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
_GO = {"object": "map", "array": "slice", "boolean": "bool", "int-or-string": "intstr.IntOrString"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a body a value is: by its path, and as Go names it, by the type of the struct that has it and the fields
    that lead to it."""

    path: str = ""
    struct: str = ""
    fields: str = ""

    def field(self, struct: str, name: str) -> "Place":
        """The place of a field of a struct here."""
        return Place(_below(self.path, name), struct, _below(self.fields, name))

    def key(self, name: str) -> "Place":
        """The place of a value of a map here."""
        return Place(_below(self.path, name), self.struct, self.fields)

    def entry(self, index: int) -> "Place":
        """The place of an entry of a list here."""
        return Place(f"{self.path}[{index}]", self.struct, self.fields)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value of another type than its place wants."""

    place: Place
    found: str
    wanted: str

    def __str__(self) -> str:
        field = f"{self.place.struct}.{self.place.fields}"
        return f"json: cannot unmarshal {self.found} into Go struct field {field} of type {self.wanted}"


@dataclass(slots=True)
class Reading:
    """What was found in a body: the paths of fields that are not known, the first value that does not fit, and why the
    first quantity that is none is none."""

    unknown: list[str] = field(default_factory=list)
    misfit: Misfit | None = None
    quantity: str = ""

    def read(self, value: Any, shape: Shape, place: Place) -> Any:
        """The value as the API server keeps it."""
        if shape.type == "any" or value is None:
            return value
        if not _fits(value, shape):
            wanted = shape.format or _GO.get(shape.type, shape.type)
            self.misfit = self.misfit or Misfit(place, _WORDS[type(value)], wanted)
            return value
        if isinstance(value, dict):
            return self._object(value, shape, place)
        if isinstance(value, list):
            return [self.read(each, shape.entry(), place.entry(index)) for index, each in enumerate(value)]
        if shape.type == "quantity":
            self.quantity = self.quantity or quantity_problem(value)
            return str(value)
        return value

    def _object(self, value: Object, shape: Shape, place: Place) -> Object:
        kept = {}
        for name, each in value.items():
            inner = shape.fields.get(name)
            there = place.field(shape.name, name) if inner else place.key(name)
            inner = inner or shape.values
            if inner is None:
                if shape.open:
                    kept[name] = each
                else:
                    self.unknown.append(there.path)
                continue
            read = self.read(each, inner, there)
            if not (read is None or _is_left_out(read, inner)) or name in shape.required:
                kept[name] = read
        return kept


def _fits(value: Any, shape: Shape) -> bool:
    if isinstance(value, bool):
        return shape.type == "boolean"
    return isinstance(value, _TYPES[shape.type]) and not (shape.format == "int32" and value not in INT32)


def _is_left_out(value: Any, shape: Shape) -> bool:
    """An empty list or map, which Go's encoder leaves out of an optional field (a struct stays)."""
    return value in ([], {}) and not shape.fields and not shape.open


def _read(kind: Kind, body: Object) -> tuple[Object, Reading]:
    """The body as its kind has it. Of a custom resource only the metadata has a type; what its schema says is checked
    later, but what it does not know is dropped here."""
    reading, shape = Reading(), shape_of(kind)
    if not kind.crd:
        return reading.read(body, shape, Place()), reading
    metadata = reading.read(body.get("metadata") or {}, metadata_shape(), Place().field(kind.kind, "metadata"))
    pruned = _prune(body, shape, "", reading.unknown)
    return {**pruned, "metadata": metadata}, reading


def _prune(value: Any, shape: Shape, path: str, dropped: list[str]) -> Any:
    """A custom resource without the fields its schema does not know; values of another type are left to validation."""
    if isinstance(value, list) and shape.items:
        return [_prune(each, shape.items, f"{path}[{index}]", dropped) for index, each in enumerate(value)]
    if not isinstance(value, dict) or shape.type != "object":
        return value
    kept = {}
    for name, each in value.items():
        inner, place = shape.fields.get(name) or shape.values, f"{path}.{name}" if path else name
        if inner:
            kept[name] = each if place == "metadata" else _prune(each, inner, place, dropped)
        elif shape.open:
            kept[name] = each
        else:
            dropped.append(place)
    return kept


def decoded(kind: Kind, body: Object, request: Request) -> Object:
    """A body sent whole. Raises 400 for a value that does not fit and, when strict, for a field that is not known."""
    read, reading = _read(kind, body)
    if reading.misfit or reading.quantity:
        raise _unreadable(kind, str(reading.misfit or reading.quantity))
    if problem := _strict(reading, request):
        raise _unreadable(kind, problem)
    return read


def decoded_patch(kind: Kind, body: Any, request: Request) -> Object:
    """What a patch has made of an object. Raises 422 where that is none, or a value does not fit, or, when strict, for
    a field that is not known."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise ApiError(400, "the name of the object was undeterminable: name must be provided")
    read, reading = _read(kind, body)
    problem = str(reading.misfit or reading.quantity)
    if problem := problem or _strict(reading, request):
        raise invalid("", "", "", [cause("patch", f"Invalid value: {problem}")])
    return read


def cleaned(kind: Kind, body: Object) -> Object:
    """An object without what its kind cannot hold."""
    return body if kind.crd else _read(kind, body)[0]


def _strict(reading: Reading, request: Request) -> str:
    """The error that unknown and doubled fields are when strict; else each becomes a warning, unless ignored."""
    odd = [f'unknown field "{path}"' for path in reading.unknown]
    odd += [f'duplicate field "{path}"' for path in request.doubled]
    if odd and request.validation == "Strict":
        return f"strict decoding error: {', '.join(odd)}"
    if request.validation != "Ignore":
        request.warnings += odd
    return ""


def _unreadable(kind: Kind, problem: str) -> ApiError:
    return ApiError(400, f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {problem}')


def check_typed(kind: Kind, config: Object, request: Request) -> None:
    """Raise 500, as structured-merge-diff does whatever `fieldValidation` says, for an applied field that the schema
    does not have or a value of another type; 400 for a doubled key when strict."""
    if request.doubled and request.validation == "Strict":
        key = request.doubled[0].rpartition(".")[2]
        problem = f'error converting YAML to JSON: yaml: unmarshal errors:\n  line 1: key "{key}" already set in map'
        raise ApiError(400, f"error strict decoding patch: {problem}")
    reading = Reading()
    reading.read(config, shape_of(kind), Place())
    found = [f".{path}: field not declared in schema" for path in reading.unknown]
    if reading.misfit:
        misfit = reading.misfit
        found.insert(0, f".{misfit.place.path}: expected {misfit.wanted}, got {misfit.found}")
    if found:
        about = f"{config['metadata'].get('namespace', '')}/{config['metadata']['name']}; {kind.api_version}"
        listed = found[0] if len(found) == 1 else "errors:\n  " + "\n  ".join(found)
        raise ApiError(500, f"failed to create typed patch object ({about}, Kind={kind.kind}): {listed}", reason=None)
    if reading.quantity:
        words = f"failed to convert new object ({config['metadata']['name']}) to {kind.api_version}, Kind={kind.kind}"
        raise ApiError(500, f"{words}: {reading.quantity}", reason=None)
