"""What the values of a kind may be, and how its lists and objects merge: read once from OpenAPI schemas."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ..objects.values import Object
from .schemas import METADATA, name_of, schemas
from .served import Kind

INT32 = range(-(2**31), 2**31)


@dataclass(eq=False, slots=True)
class Shape:
    """A value's shape. `type` is one of JSON Schema's, or `int-or-string`, `quantity`, `any`; `name` is its Go type's.

    An object has `fields`, or `values` of one shape under any key, and is `open` where it keeps fields it does not
    know. A list has `items`; server-side apply merges its entries by `keys`, or as a set, and strategic merge by
    `merge_key`; what is `atomic` is owned and replaced as a whole.
    """

    type: str = "any"
    name: str = ""
    format: str = ""
    fields: dict[str, "Shape"] = field(default_factory=dict)
    values: "Shape | None" = None
    items: "Shape | None" = None
    required: frozenset[str] = frozenset()
    open: bool = False
    atomic: bool = False
    keys: tuple[str, ...] = ()
    is_set: bool = False
    merge_key: str = ""
    strategy: str = ""

    def of(self, name: str) -> "Shape":
        """The shape of a field; any for one that is not known."""
        return self.fields.get(name) or self.values or ANY

    def entry(self) -> "Shape":
        """The shape of a list's entries."""
        return self.items or ANY


ANY = Shape(open=True)


class _Reader:
    """Schemas that may refer to one another by name, as shapes. `closed` is for custom resources, whose objects have
    the fields that are named and no others; a built-in object of which nothing is said may hold anything."""

    def __init__(self, named: Mapping[str, Object], closed: bool) -> None:
        self._named, self._closed = named, closed
        self._made: dict[str, Shape] = {}

    def named(self, name: str) -> Shape:
        """The shape of a named schema."""
        if name not in self._made:
            self._made[name] = shape = Shape(name=name.rpartition(".")[2])
            self._fill(shape, self._named[name])
        return self._made[name]

    def read(self, schema: Object) -> Shape:
        """The shape of a schema."""
        reference = schema.get("$ref") or next(
            (each["$ref"] for each in schema.get("allOf") or () if "$ref" in each), ""
        )
        if not reference:
            shape = Shape()
            self._fill(shape, schema)
            return shape
        shape = self.named(reference.rpartition("/")[2])
        strategy = schema.get("x-kubernetes-patch-strategy", "")
        return replace(shape, strategy=strategy) if strategy else shape

    def _fill(self, shape: Shape, schema: Object) -> None:
        shape.type, shape.format = _type_of(schema), schema.get("format", "")
        shape.required = frozenset(schema.get("required") or ())
        shape.strategy = schema.get("x-kubernetes-patch-strategy", "")
        if shape.type == "array":
            self._fill_list(shape, schema)
            return
        shape.atomic = schema.get("x-kubernetes-map-type") == "atomic"
        more = schema.get("additionalProperties")
        shape.values = self.read(more) if isinstance(more, dict) else None
        shape.fields.update({name: self.read(each) for name, each in (schema.get("properties") or {}).items()})
        unsaid = not (shape.fields or shape.values or self._closed)
        shape.open = bool(schema.get("x-kubernetes-preserve-unknown-fields") or more is True or unsaid)

    def _fill_list(self, shape: Shape, schema: Object) -> None:
        kind = schema.get("x-kubernetes-list-type")
        shape.items = self.read(schema.get("items") or {})
        shape.keys = tuple(schema.get("x-kubernetes-list-map-keys") or ()) if kind == "map" else ()
        shape.is_set = kind == "set"
        shape.atomic = not (shape.keys or shape.is_set)
        shape.merge_key = schema.get("x-kubernetes-patch-merge-key", "")


def _type_of(schema: Object) -> str:
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return "int-or-string"
    if "oneOf" in schema and "type" not in schema:
        return "quantity"
    return str(schema.get("type") or "any")


@cache
def _built_in() -> _Reader:
    return _Reader(schemas(), closed=False)


def metadata_shape() -> Shape:
    """The shape of every object's metadata."""
    return _built_in().named(METADATA)


_customs: dict[str, tuple[Any, Shape]] = {}


def shape_of(kind: Kind) -> Shape:
    """The shape of a kind's objects."""
    if kind.crd is None:
        return _built_in().named(name_of(kind))
    known = _customs.get(kind.key)
    if known is None or known[0] is not kind.crd:
        version = next(each for each in kind.crd["spec"]["versions"] if each["name"] == kind.version)
        shape = _Reader({}, closed=True).read((version.get("schema") or {}).get("openAPIV3Schema") or {})
        shape.fields |= {"apiVersion": Shape("string"), "kind": Shape("string"), "metadata": metadata_shape()}
        _customs[kind.key] = known = (kind.crd, shape)
    return known[1]
