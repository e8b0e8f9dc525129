"""Pages that the browser has already: while nothing happened, they are neither read nor sent again. A live part is made
once for all who look at the same."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string
from django.utils.translation import get_language

from ...access.callers import Caller, caller_of
from ...compression import takes_gzip
from ...core.access.scope import Right
from ...models.scopes.current import reading
from ...queries.revision import is_known, revision_tag
from .access import fresh, rights, role
from .parts.list_tags import PARTED
from .parts.lists import HEADER, Parted, parted, shown
from .render import as_page, is_part

View = Callable[[HttpRequest], HttpResponse]
# A part is this old at most. The page's script asks for one later than that after whatever it heard (static/live.js),
# so what it is given has that in it.
PART_SECONDS = 0.25
MOST_PARTS = 32
ASKED = "sgportal.asked"  # where a request's scope has its `Asked`
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


def shared_by_all(view: View) -> View:
    """Answer with a live part that tells of the freshness of the news alone: made once for all who look."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not getattr(request, "htmx", None):
            return view(request)
        return parts.answer(request, view, lambda key: f'W/"{hashlib.sha256(key.encode()).hexdigest()[:32]}"')

    return answered


@dataclass(slots=True)
class Asked:
    """What whoever stands before Django learns of a request for a live part: the name of that part, and of whom it
    depends that it may be given; nothing where it may be given to nobody else's question."""

    about: str = ""
    caller: Caller | None = None
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a browser says of a part that it asks for: which it has, which versions of lists it shows, and whether it
    takes it compressed."""

    known: str
    shown: frozenset[str]
    small: bool


Reply = tuple[int, bytes, dict[str, str]]  # status, body and headers


class _Sent:
    """What is sent of a part, plain or compressed."""

    def __init__(self, html: str) -> None:
        self.content = html.encode()

    @cached_property
    def compressed(self) -> bytes:
        """By gzip; not padded, as there is no secret in it."""
        return compress_string(self.content)


class Part:
    """A live part, by the tag of what it was made of: whole, and since what browsers show."""

    def __init__(self, tag: str, page: Parted) -> None:
        self.tag, self._page = tag, page
        self.whole = _Sent(page.html())
        self._since: OrderedDict[frozenset[str], _Sent] = OrderedDict()
        self._replies: OrderedDict[tuple[frozenset[str], bool], Reply] = OrderedDict()
        self._lock = threading.Lock()

    def at_hand(self, wanted: Wanted) -> Reply | None:
        """The same as `reply` where that is no work, else None."""
        if is_known(self.tag, wanted.known):
            return 304, b"", self._tagged
        return self._replies.get((wanted.shown, wanted.small))

    def reply(self, wanted: Wanted) -> Reply:
        """The answer to who wants this; worked out and compressed once for all who show the same."""
        if found := self.at_hand(wanted):
            return found
        with self._lock:
            found = self._replies.get((wanted.shown, wanted.small))
            if found is None:
                found = self._replies[wanted.shown, wanted.small] = self._reply(wanted)
                if len(self._replies) > 2 * MOST_SINCE:
                    self._replies.popitem(last=False)
        return found

    @property
    def _tagged(self) -> dict[str, str]:
        return {"ETag": self.tag, "Cache-Control": "private, no-cache"}

    def _reply(self, wanted: Wanted) -> Reply:
        changes = self._since_shown(wanted.shown)
        sent = changes or self.whole
        headers = {"Content-Encoding": "gzip"} if wanted.small else {}
        # What changed is of use to no other page.
        headers |= {"Cache-Control": "no-store"} if changes else self._tagged
        return 200, sent.compressed if wanted.small else sent.content, headers

    def _since_shown(self, versions: frozenset[str]) -> _Sent | None:
        """What changed in the lists of these versions, made once; None where none of them is known."""
        bases = self._page.bases(versions)
        if not bases:
            return None
        found = self._since.get(bases) or _Sent(self._page.html(bases))
        self._since[bases] = found
        self._since.move_to_end(bases)
        if len(self._since) > MOST_SINCE:
            self._since.popitem(last=False)
        return found


class _Parts:
    """The live parts that this process made last. Of many who ask for the same at a time, one makes it."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, tuple[float, Part]] = OrderedDict()  # since when each is known to hold
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(MOST_PARTS)]

    def answer(self, request: HttpRequest, view: View, named: Callable[[str], str] | None = None) -> HttpResponse:
        """The part that a request asks for; `named` is how its tag is made of what it hangs on, where that is the
        freshness of the news alone."""
        about, began = _about(request), time.monotonic()
        key = repr(about)
        part = self.fresh(key, began)
        if part is None:
            with self._turns[hash(key) % MOST_PARTS]:
                part = self.fresh(key, began)
                if part is None:
                    since = time.monotonic()
                    tag = named(repr((key, fresh(request)))) if named else revision_tag(fresh(request), key)
                    _, part = self._made.get(key, (0.0, None))
                    if part is None or part.tag != tag:
                        answer = view(request)
                        if answer.status_code != 200:
                            return _whole(answer)
                        part = Part(tag, parted(answer.content.decode()))
                    self._keep(key, since, part)
        _tell(request, key)
        return _sent(request, part)

    def forget(self) -> None:
        """Make every part anew."""
        with self._lock:
            self._made.clear()

    def fresh(self, key: str, asked: float) -> Part | None:
        """The part of this name that is as good as one that is made for who asked then (by the monotonic clock)."""
        since, part = self._made.get(key, (0.0, None))
        return part if asked - since < PART_SECONDS else None

    def _keep(self, key: str, since: float, part: Part) -> None:
        with self._lock:
            self._made[key] = since, part
            self._made.move_to_end(key)
            if len(self._made) > MOST_PARTS:
                self._made.popitem(last=False)


parts = _Parts()


def wanted(if_none_match: str, shown_versions: str, accept_encoding: str) -> Wanted:
    """What headers of a request say of the part that it asks for."""
    return Wanted(if_none_match, shown(shown_versions), takes_gzip(accept_encoding))


def _sent(request: HttpRequest, part: Part) -> HttpResponse:
    asked = [request.headers.get(name, "") for name in ("If-None-Match", HEADER, "Accept-Encoding")]
    status, body, headers = part.reply(wanted(*asked))
    answer = as_page(HttpResponse(body, status=status))
    for name, value in headers.items():
        answer[name] = value
    patch_vary_headers(answer, ["Accept-Encoding", HEADER])
    return answer


def _tell(request: HttpRequest, key: str) -> None:
    """Have whoever stands before Django know what was asked for. Who has what nodes with some labels have is asked
    about each time: their rights stay when labels change."""
    asked: Any = getattr(request, "scope", {}).get(ASKED)
    held = rights(request)
    if asked is not None and not any(each.bounds.selector for each in held):
        asked.about, asked.caller, asked.rights = key, caller_of(request), held
