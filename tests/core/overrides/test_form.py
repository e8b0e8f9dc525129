"""What is checked once for all units, and what for each value that a variable has."""

import pytest

from sgportal.core.overrides.form import form_of
from sgportal.core.overrides.variables import Missing, Variables
from sgportal.core.text import Problem, say
from sgportal.core.units import Unit

VALUE = {
    "free": "at {{unit.name}}",
    "size": "{{unit.vars.size}}",
    "set": ["{{unit.vars.a}}", "{{unit.vars.b}}"],
    "x": 1,
}


def check(value):
    """A size is a number or a variable; a set has no text twice."""
    calls.append(value)
    if not (value["size"].isdecimal() or "{{" in value["size"]):
        yield Problem("/size", say("is no number"))
    if len(set(value["set"])) < len(value["set"]):
        yield Problem("/set", say("has a text twice"))


calls = []


def filled(form, unit, **values):
    return form.fill(VALUE, Unit(unit, ()), Variables({"size": "1", "a": "a", "b": "b"}, {unit: values}), check)


def test_what_no_rule_speaks_of_is_not_checked_for_each_unit():
    form = form_of({"free": VALUE["free"], "size": "1", "set": []}, check)
    form.fill(form.value, Unit("a", ()), Variables(), check)
    calls.clear()
    for unit in "bcd":
        found, problem = form.fill(form.value, Unit(unit, ()), Variables(), check)
        assert (found["free"], problem) == (f"at {unit}", None)
    assert not calls


def test_what_is_wrong_in_one_unit_is_wrong_there_alone():
    def rules(value):
        if not value["image"]:
            yield Problem("/image", say("required"))
        if len({each["mountPath"] for each in value["mounts"]}) < len(value["mounts"]):
            yield Problem("/mounts", say("has a path twice"))

    value = {"image": "{{unit.vars.i}}", "mounts": [{"mountPath": "/data"}, {"mountPath": "{{unit.vars.p}}"}]}
    form = form_of(value, rules)

    def problem(unit, **values):
        found = form.fill(value, Unit(unit, ()), Variables({"i": "img", "p": "/x"}, {unit: values}), rules)[1]
        return found and found.pointer

    assert problem("a", i="") == "/image"
    assert problem("b") is None
    assert problem("c", p="/data") == "/mounts"
    assert problem("d", i="other", p="/y") is None


def test_each_value_that_a_rule_speaks_of_is_checked():
    form = form_of(VALUE, check)
    assert filled(form, "a")[1] is None
    assert filled(form, "b", size="much")[1].pointer == "/size"
    assert filled(form, "c", a="same", b="same")[1].pointer == "/set"
    assert filled(form, "d", size="2") == (
        {"free": "at d", "size": "2", "set": ["a", "b"], "x": 1},
        None,
    )
    with pytest.raises(Missing):
        form.fill(VALUE, Unit("e", ()), Variables(), check)
    assert form_of({"free": "at home"}, check) is None
