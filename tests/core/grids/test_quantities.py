"""Amounts and numbers that the API server's own types cannot hold are refused with their place, wherever they stand:
server-side apply answers 500 for them, or cuts them in silence (tests/contract/api/test_pods.py)."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.text import Invalid

from ..builders import a_manifest, a_template

C = {"name": "c", "image": "img:1"}
POD = "/spec/template/template/spec"
NOT = ["1 core", "1Kb", "", "one", "1e", "--1", "1.2.3", "0x10", ".", "1kk", "1E+", "1 ", "٣"]
ARE = ["100m", "1.5", "1e3", "1E", "2Gi", ".5", "5.", "+1", "1e-3", "12E6", "-1", 2, 0.5]


def pointers(manifest):
    try:
        parse(manifest)
    except Invalid as invalid:
        return [each.pointer for each in invalid.problems]
    return []


def asking(amount, field="requests"):
    return a_manifest(template=a_template(containers=[{**C, "resources": {field: {"cpu": amount}}}]))


@pytest.mark.parametrize("amount", NOT)
def test_what_is_no_quantity_is_refused(amount):
    for field in ("requests", "limits"):
        assert pointers(asking(amount, field)) == [f"{POD}/containers/0/resources/{field}/cpu"]


@pytest.mark.parametrize("amount", ARE)
def test_quantities_come_in_many_forms(amount):
    assert pointers(asking(amount)) == []


def test_a_quantity_is_looked_at_wherever_it_stands():
    volume = {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "half"}}
    init = {**C, "name": "i", "resources": {"limits": {"memory": "1GB"}}}
    found = pointers(a_manifest(template=a_template(volumes=[volume], initContainers=[init])))
    assert sorted(found) == [
        f"{POD}/initContainers/0/resources/limits/memory",
        f"{POD}/volumes/0/emptyDir/sizeLimit",
    ]


@pytest.mark.parametrize(("number", "refused"), [(2**31 - 1, False), (2**31, True), (2**32 + 1, True)])
def test_more_replicas_than_a_number_of_the_api_holds_are_refused(number, refused):
    assert pointers(a_manifest(template=a_template(replicas=number))) == ["/spec/template/replicas"] * refused
