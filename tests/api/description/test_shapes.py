"""One class makes an answer and describes it; one checks what is asked and describes it."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from jsonschema import Draft202012Validator
from rest_framework import serializers

from sgportal.api.http.shapes import OPTIONAL, Always, Asked, Count, Instant, Labels, Said, Shape, Texts, one_of
from sgportal.core.text import say


class Line(Shape):
    mappings = True
    name = serializers.CharField()
    lines = serializers.ListField(child=Said())


class Doubled(Shape):
    text = serializers.CharField()

    @classmethod
    def of(cls, value):
        return {"text": value * 2}


class Counts(Shape):
    ready = Count(source="ready_nodes")


class Whole(Shape):
    kind = Always("Whole")
    readyNodes = Count()
    other = serializers.CharField(source="inner.deep")
    seenAt = Instant()
    message = Said(source="sentence")
    line = Line(allow_null=True)
    lines = Line(many=True)
    doubled = Doubled(many=True, source="texts")
    counts = Counts(source="*")
    made = Said()
    state = one_of("good", "bad")
    note = serializers.CharField(required=False)
    parts = Line(many=True, required=False)

    def get_made(self, value):
        return say("%(n)s nodes", n=value.ready_nodes)


LINE = {"name": "p", "lines": [say("one"), say("two")], "more": 1}
SHOWN = {"name": "p", "lines": ["one", "two"]}


def value(**changed):
    found = {
        "ready_nodes": 3,
        "inner": SimpleNamespace(deep="d"),
        "seen_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "sentence": say("duplicate “%(name)s”", name="x"),
        "line": None,
        "lines": (LINE,),
        "texts": ["a", "b"],
        "state": "good",
        "note": None,
        "parts": None,
    }
    return SimpleNamespace(**{**found, **changed})


WHOLE = {
    "kind": "Whole",
    "readyNodes": 3,
    "other": "d",
    "seenAt": "2026-01-02T03:04:05Z",
    "message": "duplicate “x”",
    "line": None,
    "lines": [SHOWN],
    "doubled": [{"text": "aa"}, {"text": "bb"}],
    "counts": {"ready": 3},
    "made": "3 nodes",
    "state": "good",
}


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, {}),
        ({"seen_at": None}, {"seenAt": None}),
        ({"line": LINE}, {"line": SHOWN}),
        ({"note": "n", "parts": [LINE]}, {"note": "n", "parts": [SHOWN]}),
    ],
)
def test_a_value_is_shown_by_its_fields(settings, changed, shown):
    settings.LANGUAGE_CODE = "en"
    assert Whole.of(value(**changed)) == {**WHOLE, **shown}
    assert Whole(value(**changed)).data == {**WHOLE, **shown}
    assert Whole.each_of([value(**changed)] * 2) == [{**WHOLE, **shown}] * 2


def described(shape):
    """The JSON Schema of a class, with those that it holds."""
    schema, registry = AutoSchema(), ComponentRegistry()
    schema.view, schema.method, schema.path, schema.registry = SimpleNamespace(), "GET", "/", registry
    schema.view.request = schema.view.format_kwarg = None
    found = schema.resolve_serializer(shape(), "response").ref
    return {**found, **registry.build({})}


def test_what_is_shown_is_what_is_described():
    validator = Draft202012Validator({**described(Whole), "components": described(Whole)})
    for changed in ({}, {"line": LINE}, {"note": "n"}):
        assert list(validator.iter_errors(Whole.of(value(**changed)))) == []
    assert list(validator.iter_errors({**WHOLE, "kind": "Part"}))
    assert list(validator.iter_errors({**WHOLE, "lines": None}))


class Inner(Asked):
    labels = serializers.DictField(child=serializers.CharField(allow_null=True))


class Wanted(Asked):
    name = serializers.CharField()
    count = serializers.IntegerField(**OPTIONAL)
    force = serializers.BooleanField(**OPTIONAL)
    names = Texts(**OPTIONAL)
    pairs = Labels(**OPTIONAL)
    inner = Inner(**OPTIONAL)


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"name": "n"}, []),
        ({"name": "n", "count": None, "names": None, "inner": None}, []),
        ({"name": "n", "count": 1, "force": True, "names": ["a"], "pairs": {"a": "b"}, "inner": {"labels": {}}}, []),
        ({}, ["/name"]),
        ({"name": None}, ["/name"]),
        (
            {"name": 1, "count": "1", "force": "yes", "names": "a", "pairs": []},
            ["/name", "/count", "/force", "/names", "/pairs"],
        ),
        ({"name": "n", "names": [1], "pairs": {"a/b": 1}}, ["/names/0", "/pairs/a~1b"]),
        ({"name": "n", "nmae": "n"}, ["/nmae"]),
        ({"name": "n", "inner": {}}, ["/inner/labels"]),
        ({"name": "n", "inner": []}, ["/inner"]),
        ({"name": "n", "inner": {"labels": {"a": 1}, "more": 1}}, ["/inner/more", "/inner/labels/a"]),
        ([], [""]),
    ],
)
def test_what_is_asked_is_checked_by_its_fields(document, places):
    assert [each.pointer for each in Wanted.problems(document)] == places
