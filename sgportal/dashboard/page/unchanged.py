"""Pages that the browser has already: while nothing happened, they are neither read nor sent again. A live part is made
once for all who look at the same."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property, wraps

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string
from django.utils.translation import get_language

from ...compression import takes_gzip
from ...models.scopes.current import reading
from ...queries.revision import is_known, revision_tag
from .access import fresh, role
from .parts.list_tags import PARTED
from .parts.lists import HEADER, Parted, parted, shown
from .render import as_page, is_part

View = Callable[[HttpRequest], HttpResponse]
# A part is this old at most. The page's script asks for one later than that after whatever it heard (static/live.js),
# so what it is given has that in it.
PART_SECONDS = 0.25
MOST_PARTS = 32
MOST_SINCE = 16  # answers of a part to browsers that show different versions of its lists


def unless_unchanged(view: View) -> View:
    """Answer 304 where the browser names what it would be shown. It is for pages that show only what the change log
    tells of, below `needs`: who may not read gets no answer from here. Their live parts hang on role and language, not
    on the person."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return view(request)
        setattr(request, PARTED, True)
        return parts.answer(request, view) if is_part(request) else _of_a_person(request, view)

    return answered


def unless_unchanged_for_one(view: View) -> View:
    """The same for pages whose live part has a form, and so a secret of the person in it: it is shared with nobody."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        return _of_a_person(request, view) if request.method in ("GET", "HEAD") else view(request)

    return answered


def _of_a_person(request: HttpRequest, view: View) -> HttpResponse:
    if len(get_messages(request)) and not is_part(request):
        # A message is shown once: the browser must not keep such a page, nor show an old one.
        return _whole(view(request))
    tag = revision_tag(fresh(request), *_about(request), *_person(request))
    if is_known(tag, request.headers.get("If-None-Match", "")):
        answer = as_page(HttpResponse(status=304))
    else:
        answer = _whole(view(request))
    if answer.status_code in (200, 304):
        answer["ETag"] = tag
    return answer


def _about(request: HttpRequest) -> list[object]:
    htmx = [request.headers.get(name) for name in ("HX-Request", "HX-Target", "HX-History-Restore-Request")]
    return [request.get_full_path(), *htmx, role(request), reading(), get_language()]


def _person(request: HttpRequest) -> list[object]:
    """Theme and the secret behind the page's forms are in cookies."""
    return [request.user.pk, request.user.get_username(), request.user.is_staff, sorted(request.COOKIES.items())]


def _whole(answer: HttpResponse) -> HttpResponse:
    """A page that was made with marks for its lists, without them."""
    if not answer.streaming:
        answer.content = parted(answer.content.decode()).html()
    return answer


class _Sent:
    """What is sent of a part, plain or compressed."""

    def __init__(self, html: str) -> None:
        self.content = html.encode()

    @cached_property
    def compressed(self) -> bytes:
        """By gzip; not padded, as there is no secret in it."""
        return compress_string(self.content)


class _Part:
    """A live part, by the tag of what it was made of: whole, and since what browsers show."""

    def __init__(self, tag: str, page: Parted) -> None:
        self.tag, self._page = tag, page
        self.whole = _Sent(page.html())
        self._since: OrderedDict[frozenset[str], _Sent] = OrderedDict()
        self._lock = threading.Lock()

    def since(self, versions: frozenset[str]) -> _Sent | None:
        """What changed in the lists of these versions, made once; None where none of them is known."""
        bases = self._page.bases(versions)
        if not bases:
            return None
        with self._lock:
            found = self._since.get(bases)
        if found is None:
            found = _Sent(self._page.html(bases))
        with self._lock:
            self._since[bases] = found
            self._since.move_to_end(bases)
            if len(self._since) > MOST_SINCE:
                self._since.popitem(last=False)
        return found


class _Parts:
    """The live parts that this process made last. Of many who ask for the same at a time, one makes it."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, tuple[float, _Part]] = OrderedDict()  # since when each is known to hold
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(MOST_PARTS)]

    def answer(self, request: HttpRequest, view: View) -> HttpResponse:
        """The part that a request asks for."""
        key = repr(_about(request))
        part = self._fresh(key)
        if part is None:
            with self._turns[hash(key) % MOST_PARTS]:
                part = self._fresh(key)
                if part is None:
                    since, tag = time.monotonic(), revision_tag(fresh(request), key)
                    _, part = self._made.get(key, (0.0, None))
                    if part is None or part.tag != tag:
                        answer = view(request)
                        if answer.status_code != 200:
                            return _whole(answer)
                        part = _Part(tag, parted(answer.content.decode()))
                    self._keep(key, since, part)
        return _sent(request, part)

    def forget(self) -> None:
        """Make every part anew."""
        with self._lock:
            self._made.clear()

    def _fresh(self, key: str) -> _Part | None:
        since, part = self._made.get(key, (0.0, None))
        return part if time.monotonic() - since < PART_SECONDS else None

    def _keep(self, key: str, since: float, part: _Part) -> None:
        with self._lock:
            self._made[key] = since, part
            self._made.move_to_end(key)
            if len(self._made) > MOST_PARTS:
                self._made.popitem(last=False)


parts = _Parts()


def _sent(request: HttpRequest, part: _Part) -> HttpResponse:
    small = takes_gzip(request.headers.get("Accept-Encoding", ""))
    changes = None
    if is_known(part.tag, request.headers.get("If-None-Match", "")):
        answer = HttpResponse(status=304)
    else:
        changes = part.since(shown(request.headers.get(HEADER, "")))
        sent = changes or part.whole
        answer = HttpResponse(sent.compressed if small else sent.content)
        if small:
            answer["Content-Encoding"] = "gzip"
    answer = as_page(answer)
    if changes:
        answer["Cache-Control"] = "no-store"  # it is of use to no other page
    else:
        answer["ETag"] = part.tag
    patch_vary_headers(answer, ["Accept-Encoding", HEADER])
    return answer
