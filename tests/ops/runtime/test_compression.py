"""Answers are compressed where that is asked for: pages and JSON, with tags and caches that hold, streams never."""

import gzip
import re

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from sgportal.compression import PADDING, Compression, takes_gzip, uncompressed
from tests.api import builders
from tests.api.conftest import Api
from tests.dashboard.conftest import browser

pytestmark = pytest.mark.django_db
TEXT = b"text that repeats " * 100


def answered(answer, accept="gzip"):
    request = RequestFactory().get("/", headers={"Accept-Encoding": accept} if accept else {})
    return Compression(lambda _: answer)(request)


@pytest.fixture
def api():
    builders.heard()
    for number in range(5):
        builders.node(f"node{number}", zone1=f"unit{number}")
    return Api(builders.token(builders.user("olga", "operator")))


@pytest.mark.parametrize("path", ["nodes", "overview?group=zone1", "deploymentgrids/default/echo"])
def test_rest_and_pages_are_smaller_and_the_same(api, path):
    builders.cell(builders.grid(), "unit0")
    plain, small = api.get(path), api.get(path, Accept_Encoding="br, gzip;q=0.8")
    assert "Content-Encoding" not in plain.headers
    assert small["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.content) == plain.content
    assert int(small["Content-Length"]) == len(small.content) < len(plain.content)
    assert "Accept-Encoding" in plain["Vary"]
    assert "Accept-Encoding" in small["Vary"]


def test_a_page_is_compressed_and_its_length_tells_nothing_of_its_secrets(api):
    viewer = browser("viewer")
    viewer.get("/nodes/")
    pages = [viewer.get("/nodes/", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
    token = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')
    texts = [gzip.decompress(page.content) for page in pages]
    assert len({token.search(text)[1] for text in texts}) == len(texts)  # masked anew each time
    assert len({len(page.content) for page in pages}) > 3
    same = [len(answered(HttpResponse(TEXT)).content) for _ in range(40)]
    assert PADDING / 2 < max(same) - min(same) <= PADDING


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("*", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip ; q = 0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("gzipped", False),
        ("", False),
        (";;,,;q=", False),
    ],
)
def test_who_takes_gzip(accept, takes):
    assert takes_gzip(accept) == takes
    assert answered(HttpResponse(TEXT), accept).has_header("Content-Encoding") == takes


def test_what_does_not_get_smaller_stays():
    assert not answered(HttpResponse(b"short")).has_header("Content-Encoding")
    already = HttpResponse(gzip.compress(TEXT), headers={"Content-Encoding": "gzip"})
    assert answered(already).content == gzip.compress(TEXT)
    assert answered(HttpResponse(status=304))["Vary"] == "Accept-Encoding"


def test_streams_pass_as_they_come():
    stream = StreamingHttpResponse(iter([TEXT, TEXT]), content_type="text/event-stream")
    answer = answered(stream)
    assert not answer.has_header("Content-Encoding")
    assert next(iter(answer.streaming_content)) == TEXT


def test_a_strong_tag_stays_strong_and_stands_for_the_same_bytes():
    one, two = (answered(HttpResponse(TEXT, headers={"ETag": '"a.1-b"'})) for _ in range(2))
    assert one["ETag"] == '"a.1-b-gzip"'
    assert one.content == two.content
    assert uncompressed(one["ETag"]) == '"a.1-b"'
    assert uncompressed('"a.1-b"') == '"a.1-b"'
    assert answered(HttpResponse(TEXT, headers={"ETag": 'W/"x"'}))["ETag"] == 'W/"x"'


def test_a_writer_who_read_a_compressed_grid_may_write(api):
    builders.grid()
    path = "deploymentgrids/default/echo"
    read = api.get(path, Accept_Encoding="gzip")
    assert read["ETag"].endswith('-gzip"')
    assert api.get(path, Accept_Encoding="gzip", If_None_Match=read["ETag"]).status_code == 304
    assert api.get(path, If_None_Match=read["ETag"]).status_code == 304
    patch = {"metadata": {"labels": {"a": "b"}}}
    changed = api("PATCH", path, patch, Accept_Encoding="gzip", If_Match=read["ETag"])
    assert changed.status_code == 200
    assert api("PATCH", path, patch, If_Match=read["ETag"]).status_code == 412
    assert api("PATCH", path, patch, If_Match=changed["ETag"]).status_code == 200


def test_a_problem_is_compressed_like_anything_else(api):
    answer = api.get("nodes?" + "&".join(f"x{number}=1" for number in range(9)), Accept_Encoding="gzip")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert len(builders.yaml.safe_load(gzip.decompress(answer.content))["errors"]) == 9
