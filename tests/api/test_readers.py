"""The same bytes get the same answer at every door: REST as JSON, REST as YAML, a bundle, the page."""

import codecs
import html
import json

import pytest
from django.test import Client

from sgportal.models import Grid

from . import builders
from .conftest import pointers

MANIFEST = json.dumps(builders.manifest(), ensure_ascii=False, indent=1)
TWICE = MANIFEST.replace('"spec": {', '"spec": {\n  "gridUniqKey": "other",', 1)
FIRST, SECOND = (TWICE[: TWICE.index(f'"gridUniqKey": "{value}"')].count("\n") + 1 for value in ("other", "zone1"))


def doors(api, data):
    """The sentence that each door refuses the bytes with, "" where it takes them."""
    for path in ("deploymentgrids?dryRun=All", "apply?dryRun=All"):
        for kind in ("application/json", "application/yaml"):
            answer = api("POST", path, data, Content_Type=kind)
            yield f"{path} {kind}", "" if answer.status_code == 200 else pointers(answer)[""]


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + MANIFEST.encode(),
        MANIFEST.encode("utf-16"),
        codecs.BOM_UTF16_BE + MANIFEST.encode("utf-16-be"),
        MANIFEST.replace("\n", "\r\n").encode(),
        MANIFEST.replace("\n ", "\n\t").encode(),
    ],
    ids=["BOM", "UTF-16-LE", "UTF-16-BE", "CRLF", "tabs"],
)
def test_what_one_door_reads_all_read(api, db, data):
    found = dict(doors(api, data))
    assert set(found.values()) == {""}, found


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            TWICE.encode(),
            f"line {SECOND}: duplicate key “gridUniqKey”, first in line {FIRST}; remove one of them",
        ),
        (codecs.BOM_UTF16_LE + b"{", "the body is not UTF-16-LE text; save it as UTF-8"),
        (MANIFEST.encode("utf-16-le"), "the body is UTF-16 or UTF-32 without a byte order mark; save it as UTF-8"),
        (MANIFEST.replace("echo", "\\u0000").encode(), "'\\x00' cannot be stored"),
        (MANIFEST.replace('"echo"', "9" * 30).encode(), "9" * 30 + " cannot be stored"),
    ],
    ids=["twice", "cut UTF-16", "no mark", "NUL", "number"],
)
def test_what_one_door_refuses_all_refuse_in_the_same_words(api, db, data, sentence):
    found = dict(doors(api, data))
    assert set(found.values()) == {sentence}, found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\ufeff" + MANIFEST, ""),
        (MANIFEST.replace("\n", "\r\n"), ""),
        ("a:\n\tb: 1", "line 2, column 1: a tab; YAML is indented with spaces"),
        ("a:\x85\tb: 1", "line 2, column 1: a tab; YAML is indented with spaces"),
        ("a: 1\nb: 2\na: 3", "line 3: duplicate key “a”, first in line 1; remove one of them"),
        ("a: \0", "line 1: YAML does not take the character U+0000"),
        (TWICE, f"line {SECOND}: duplicate key “gridUniqKey”, first in line {FIRST}; remove one of them"),
        (
            "a: &x 1\nb: *x",
            "line 2: aliases are not accepted; in the place of “*x” write out what stands at “&x” in line 1",
        ),
    ],
)
def test_the_page_reads_as_rest_does(api, people, text, sentence):
    person = Client()
    person.force_login(people["olga"])
    page = html.unescape(person.post("/grids/check/", {"mode": "yaml", "document": text}).content.decode())
    answer = api.yaml("POST", "deploymentgrids?dryRun=All", text.encode())
    assert (pointers(answer)[""] if sentence else answer.status_code) == (sentence or 200)
    assert (sentence or "Valid.") in page
    assert Grid.objects.count() == 0
