"""No address answers 500, whatever is asked of it: every address of the resolver, with missing, empty, foreign and
hostile parameters, by every method."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from sgportal.dashboard.nodes.views import FILTERS

HOSTILE = (
    "",
    " ",
    "nowhere",
    "\0",
    "%00",
    "é中文🛰",
    "ｆｕｌｌ",
    "'; DROP TABLE x; --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "-1",
    "0",
    "99999999999999999999999",
    "1e309",
    "NaN",
    "a=b,c in (",
    "[]",
    "{{7*7}}",
    "x" * 5000,
    "," * 3000,
    "\r\nSet-Cookie: a=b",
)
PIECES = {
    "plural": ("deploymentgrids", "servicegrids", "pods", "%00"),
    "namespace": ("default", "nowhere", "%E4%B8%AD"),
    "name": ("echo", "shop", "node0", "nowhere", "%3Cb%3E"),
    "key": ("site", "topology.kubernetes.io/zone", "%00"),
    "verb": ("pause", "image", "rollout-skip", "nonsense"),
    "unit": ("ham", "nowhere", "a/b/c"),
    "session": ("x", "%00"),
    "token": ("x", "%00"),
    "pk": ("1", "0", "99999999999999999999", "00000000-0000-0000-0000-000000000000"),
}
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
PIECE = r"<(?:\w+:)?(\w+)>"
ROOT = get_resolver()
HOSTILE_BODY = {"data": b"a: &a [*a]", "content_type": "application/yaml"}
SOURCE = Path(__file__).resolve().parents[2] / "sgportal"


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every pattern as text; Django's own administration has tests of its own."""
    for each in resolver.url_patterns:
        text = prefix + str(each.pattern).lstrip("^").rstrip("$")
        if isinstance(each, URLPattern):
            yield text
        elif text != "admin/":
            yield from patterns(each, text)


def addresses() -> Iterator[str]:
    """Each pattern with each value for one piece, the first for the others."""
    for pattern in patterns(ROOT):
        pieces = re.findall(PIECE, pattern)
        bare = re.sub(PIECE, r"{\1}", pattern)
        usual = {piece: PIECES[piece][0] for piece in pieces}
        yield "/" + bare.format(**usual)
        for piece in pieces:
            for value in PIECES[piece][1:]:
                yield "/" + bare.format(**{**usual, piece: value})


def parameters() -> list[str]:
    """Every name of a query parameter or a form's field that our code reads."""
    code = "\n".join(path.read_text() for name in ("api", "dashboard") for path in (SOURCE / name).rglob("*.py"))
    found = set(re.findall(r"""(?:GET|POST|form)(?:\.get(?:list)?\(|\[)["'](\w+)["']""", code))
    for call in re.findall(r"wanted\(request, ([^)]*)\)", code):
        found |= set(re.findall(r"""["'](\w+)["']""", call))
    found |= set(re.findall(r"""Parameter\(\s*["'](\w+)["']""", code))
    return sorted(found | set(FILTERS))


@pytest.fixture
def visitor(fleet) -> Client:
    client = Client(raise_request_exception=False, headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_superuser("root"))
    logging.disable(logging.CRITICAL)
    yield client
    logging.disable(logging.NOTSET)


def is_broken(answer) -> bool:
    return answer.status_code >= 500 and answer.status_code != 503


def test_the_walk_sees_the_parameters_that_are_read():
    assert {"search", "key", "unit", "selector", "dryRun", "limit", "cursor", "document", "page"} <= set(parameters())


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_no_address_answers_500(visitor, method):
    bodies = ({},) if method in ("get", "head", "options") else ({}, HOSTILE_BODY)
    broken = []
    for address in sorted(set(addresses())):
        if not address.startswith("/logout") and not (address.endswith("api/v1/events") and method == "get"):
            broken += [address for sent in bodies if is_broken(getattr(visitor, method)(address, **sent))]
    assert broken == []


@pytest.mark.slow
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value[:12]))
def test_no_parameter_makes_an_address_answer_500(visitor, value):
    broken = []
    everything = dict.fromkeys(parameters(), value)
    for address in sorted({"/" + re.sub(PIECE, lambda found: PIECES[found[1]][0], each) for each in patterns(ROOT)}):
        if address.endswith("/events") or address.startswith("/logout"):
            continue
        for asked in (everything, {"key": value}, {"unit": value}, {"group": value}):
            broken += [("get", address, list(asked))] if is_broken(visitor.get(address, asked)) else []
        broken += [("post", address)] if is_broken(visitor.post(address, everything)) else []
    assert broken == []


@pytest.mark.parametrize("target", ["live", "facts", "gone", "nowhere"])
def test_no_part_that_is_asked_for_makes_an_address_answer_500(visitor, target):
    headers = {"HX-Request": "true", "HX-Target": target}
    paths = sorted({"/" + re.sub(PIECE, lambda found: PIECES[found[1]][0], each) for each in patterns(ROOT)})
    asked = [each for each in paths if not each.startswith(("/logout", "/api/"))]
    assert len(asked) > 20
    assert [each for each in asked if is_broken(visitor.get(each, headers=headers))] == []
