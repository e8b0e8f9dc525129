"""Compression of answers by gzip, where the caller takes it."""

import re

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.text import compress_string

SMALLEST = 200  # bytes; less does not get smaller
PADDING = 100  # bytes at most, at random: the length of a page is not to tell of the secrets in it (BREACH)
SUFFIX = "-gzip"
_NEVER = re.compile(r"q\s*=\s*0(\.0*)?")


class Compression(MiddlewareMixin):
    """Django's middleware. Streams pass as they are: what is sent at once must not wait for more.

    A strong entity tag stands for exact bytes, so it names the compression, and such an answer is not padded; Django's
    own middleware would make it weak, and `If-Match` takes no weak ones (RFC 9110, 8.8.3 and 13.1.1).
    """

    def process_response(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """The answer, compressed where that makes it smaller."""
        if answer.streaming or answer.has_header("Content-Encoding"):
            return answer
        patch_vary_headers(answer, ["Accept-Encoding"])
        if len(answer.content) < SMALLEST or not takes_gzip(request.headers.get("Accept-Encoding", "")):
            return answer
        strong = answer.headers.get("ETag", "").startswith('"')
        compressed = compress_string(answer.content, max_random_bytes=None if strong else PADDING)
        if len(compressed) >= len(answer.content):
            return answer
        answer.content = compressed
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(compressed))
        if strong:
            answer.headers["ETag"] = f'{answer.headers["ETag"][:-1]}{SUFFIX}"'
        return answer


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the header `Accept-Encoding` takes gzip (RFC 9110, 12.5.3)."""
    takes: dict[str, bool] = {}
    for each in accept_encoding.lower().split(","):
        name, _, quality = (part.strip() for part in each.partition(";"))
        takes[name] = not _NEVER.fullmatch(quality)
    return takes.get("gzip", takes.get("x-gzip", takes.get("*", False)))


def uncompressed(etag: str) -> str:
    """The entity tag of the same content before it was compressed."""
    return f'{etag.removesuffix(f"{SUFFIX}{chr(34)}")}"' if etag.endswith(f'{SUFFIX}"') else etag
