"""Static files over a real ASGI server: whole, in pieces, and without a word of warning."""

import urllib.error
import urllib.request
import warnings
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders


@pytest.fixture
def origin(address):
    scheme, _, rest = address.partition("//")
    return f"{scheme}//{rest.partition('/')[0]}"


def ask(url, method="GET", **headers):
    return urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=75)


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    assert [str(each.message) for each in heard if "StreamingHttpResponse" in str(each.message)] == []


@pytest.mark.parametrize("name", ["live.js", "sgportal.css"])
def test_a_file_is_sent_as_it_is(origin, no_warnings, name):
    content = Path(finders.find(name)).read_bytes()
    with ask(f"{origin}/static/{name}") as answer:
        assert answer.read() == content
        assert answer.headers["Content-Length"] == str(len(content))


def test_a_part_of_a_file_and_none_of_it(origin, no_warnings):
    content = Path(finders.find("live.js")).read_bytes()
    with ask(f"{origin}/static/live.js", Range="bytes=10-29") as answer:
        assert (answer.status, answer.read()) == (206, content[10:30])
    with ask(f"{origin}/static/live.js", "HEAD") as answer:
        known = answer.headers["Last-Modified"]
        assert answer.read() == b""
    with pytest.raises(urllib.error.HTTPError, match="304"):
        ask(f"{origin}/static/live.js", **{"If-Modified-Since": known})
