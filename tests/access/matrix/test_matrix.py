"""Every address × every role × every scope: what is out of scope is answered as what is not there, byte for byte; it is
named in no answer, and nothing is stored by a write that is refused.

One walk over the URLconf, with rows alone. An address that is new is red here until it has a class in `addresses`.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client

from sgportal.api.http.throttles import DryRunThrottle, WriteThrottle
from sgportal.dashboard.page.unchanged import parts

from . import world
from .addresses import OF, QUERIES, Address, every
from .world import ANONYMOUS, EVERYWHERE, LIMITED, OUTSIDE, OWN, Caller, Thing

pytestmark = pytest.mark.django_db  # so that there is a database; what is in it is made by `stage`, once
ALL = every()
OF_THINGS = [each for each in ALL if each.leads_to in ("grid", "cell", "package", "pod", "node", "unit", "row")]
LISTS = [each for each in ALL if each.leads_to == "list"]
LIVE = {"HX-Request": "true", "HX-Target": "live"}
# What every request may write, whoever is refused: that somebody was here.
OF_VISITS = {"django_session", "sgportal_logincount"}
# Of an answer, what is another at each request, or says only what was asked.
_CHANCE = re.compile(
    r"\b[0-9A-Za-z]{64}\b|\b[0-9a-f]{32}\b|data-revision=\"\d+\"|data-age(?: data-own)? datetime=\"[^\"]+\""
    r"|\bago\"[^>]*>[^<]*<|\"createdAt\":\"[^\"]+\"|data-made=\"[^\"]+\""
)
_HEADERS = {"x-request-id", "etag", "set-cookie", "content-length", "date", "content-security-policy"}


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator["Stage"]:
    """The world with everybody in it, made once; nothing of it is left."""
    with django_db_blocker.unblock(), transaction.atomic():
        world.make()
        parts.forget()
        logging.disable(logging.CRITICAL)  # thousands of refusals
        yield Stage({caller: caller.browser() for caller in (ANONYMOUS, *EVERYWHERE, *LIMITED)})
        logging.disable(logging.NOTSET)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _as_usual(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The news of the world is fresh for as long as the walk takes; what is shown by choice is shown."""
    settings.SGPORTAL_STALE_SECONDS = 10_000
    settings.SGPORTAL_METRICS_SERVER, settings.SGPORTAL_POD_LOGS = True, "viewer"
    settings.SGPORTAL_FOUR_EYES, settings.SGPORTAL_EXEC = ["delete"], "operator"
    monkeypatch.setattr(WriteThrottle, "THROTTLE_RATES", {"write": None})
    monkeypatch.setattr(DryRunThrottle, "THROTTLE_RATES", {"dry-run": None})


@dataclass
class Answer:
    """What came back, and what it wrote."""

    status: int
    headers: dict[str, str]
    text: str
    written: list[str]
    tag: str = ""

    def about(self, names: list[tuple[str, str]]) -> tuple[int, dict[str, str], str]:
        """What it says, with other names in the place of some, and without what is by chance."""
        texts = [self.text, *self.headers.values()]
        for mine, its in names:
            texts = [each.replace(mine, its) for each in texts]
        text, *values = (_CHANCE.sub("", each) for each in texts)
        return self.status, dict(zip(self.headers, values, strict=True)), text


@dataclass
class Stage:
    """Everybody's browser, and what they were answered about nothing."""

    browsers: dict[Caller, Client]
    known: dict[tuple[Any, ...], Answer] = field(default_factory=dict)

    def ask(
        self, caller: Caller, address: Address, method: str, place: str, body: Any = None, **headers: str
    ) -> Answer:
        """One request, of which nothing stays."""
        client, written = self.browsers[caller], []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if found := re.match(r"(?:INSERT INTO|UPDATE|DELETE FROM) \"(\w+)\"", sql):
                written.append(found[1])
            return execute(sql, params, many, context)

        kept = client.cookies.get("sessionid")
        with not_kept(), connection.execute_wrapper(note):
            if method == "get":
                answer = client.get(place, headers=headers)
            else:
                how = {"content_type": "application/json"} if address.is_rest else {}
                answer = getattr(client, method)(place, body or {}, headers={"If-Match": "*", **headers}, **how)
            text = _text(answer)
        client.cookies.clear()
        if kept is not None:
            client.cookies["sessionid"] = kept.value
        found = {name: value for name, value in answer.headers.items() if name.lower() not in _HEADERS}
        kept_rows = [each for each in written if each not in OF_VISITS]
        return Answer(answer.status_code, found, text, kept_rows, answer.headers.get("ETag", ""))

    def about_nothing(self, caller: Caller, address: Address, method: str, place: str, body: Any) -> Answer:
        """The answer about what is not there; each is asked for once."""
        key = (caller, method, place, repr(body))
        if key not in self.known:
            self.known[key] = self.ask(caller, address, method, place, body)
        return self.known[key]


def _names(thing: Thing, nothing: Thing, address: str, other: str) -> list[tuple[str, str]]:
    """What names a thing in answers, and what in its place names nothing; the longest first."""
    names = [(address, other), (quote(address, ""), quote(other, "")), (_end(address), _end(other))]
    names += [(mine, its) for name, mine in thing.pieces.items() if mine != (its := nothing.pieces[name])]
    return sorted(names, key=lambda each: -len(each[0]))


def _end(address: str) -> str:
    """Of the address of a row, what names it: `tokens/1`."""
    return "/".join(address.removeprefix("/api/v1/").removeprefix("/profile/").strip("/").split("/")[:2])


@contextmanager
def not_kept() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _text(answer: HttpResponseBase) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return bytes(content).decode()


def differs(stage: Stage, caller: Caller, address: Address, method: str, kind: str, query: str = "") -> str:
    """What is wrong with the answer about what is out of scope; "" where it is that about nothing."""
    thing, nothing = OUTSIDE[kind]
    place, other = address.to(thing), address.to(nothing, nothing=True)
    if query:
        place, other = (f"{each}?{query.format(**its.pieces)}" for each, its in ((place, thing), (other, nothing)))
    mine, its = address.body(thing), address.body(nothing)
    if (place, mine) == (other, its):
        return ""
    answer = stage.ask(caller, address, method, place, mine)
    expected = stage.about_nothing(caller, address, method, other, its)
    names = _names(thing, nothing, place, other)
    if answer.about(names) != expected.about(names):
        where = _where(*(each.about(names) for each in (answer, expected)))
        return f"{caller}: {method} {place} is {answer.status}, {other} is {expected.status}: {where}"
    if answer.status >= 400 and answer.written:
        return f"{caller}: {method} {place} is refused ({answer.status}) and wrote {answer.written}"
    return ""


def _where(one: tuple[int, Any, str], other: tuple[int, Any, str]) -> str:
    """Where two answers begin to differ."""
    if one[:2] != other[:2]:
        return f"{one[:2]} / {other[:2]}"
    at = next((n for n, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b), 0)
    return f"…{one[2][max(at - 60, 0) : at + 60]!r} / …{other[2][max(at - 60, 0) : at + 60]!r}"


def reads(caller: Caller, address: Address) -> bool:
    """Whether somebody is asked for what an address shows: a higher role shows no more of the cluster than the lowest
    that may read it, of which each scope is walked; of the others one."""
    lowest = address.needs or "viewer"
    return caller.role == lowest or {"operator": "namespace", "admin": "NodeUnit"}.get(caller.role) == caller.scope


def asked_of(caller: Caller, address: Address) -> list[str]:
    """By what things are told apart that are out of somebody's scope at an address."""
    found = [each for each in caller.outside if each not in ("whole", "package") or address.scoped == "grids"]
    if address.leads_to == "row":
        return [each for each in found if each != "package"]
    return [each for each in found if address.fits(OUTSIDE[each][0])]


def test_every_address_has_a_class():
    """One that is new: say in `addresses.CLASSES` to what it leads, and what lists are asked in `QUERIES`."""
    routes = {each.route for each in ALL if each.leads_to != "admin"}
    assert routes - OF.keys() == set(), "without a class"
    assert OF.keys() - routes == set(), "with a class, and gone"


@pytest.mark.parametrize("caller", LIMITED, ids=str)
def test_things_out_of_scope_are_answered_as_what_is_not_there(stage, caller):
    wrong = [
        found
        for address in OF_THINGS
        for method in address.asked_by(caller.role)
        if method != "get" or reads(caller, address)
        for kind in asked_of(caller, address)[: 1 if caller.role == "viewer" and method != "get" else None]
        if (found := differs(stage, caller, address, method, kind))
    ]
    assert "\n".join(wrong) == ""


def lists_of(caller: Caller) -> Iterator[tuple[Address, str, str]]:
    """What is asked of lists, by which method and with which query. What a role reads beyond that of a viewer is no
    more of the cluster: their reads are asked of the lowest that may."""
    for address in LISTS:
        for method in address.asked_by(caller.role):
            if method != "get":
                yield address, method, ""
            elif caller.role == (address.needs or "viewer"):
                for query in QUERIES.get(address.route, ()):
                    yield address, method, query
                    if not address.is_rest:
                        yield address, method, f"{query}&format=csv"


@pytest.mark.parametrize("caller", LIMITED, ids=str)
def test_lists_sums_and_writes_know_nothing_of_what_is_out_of_scope(stage, caller):
    wrong = [
        found
        for address, method, query in lists_of(caller)
        for kind in caller.outside
        if kind not in ("whole", "package") and (found := differs(stage, caller, address, method, kind, query))
    ]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("caller", LIMITED, ids=str)
def test_no_answer_names_what_is_out_of_scope(stage, caller):
    """Of what is in scope, of lists as pages, parts of pages and CSV, and of what is one's own."""
    wrong, read = [], 0
    for address in ALL:
        if address.leads_to in ("admin", "open") or not address.fits(OWN) or (address.needs or "viewer") != caller.role:
            continue
        place = address.to(OWN, nothing=address.leads_to == "row")
        asked = ["", *(each for each in address.queries(OWN))]
        for query in [*asked, "format=csv"] if address.leads_to == "list" and not address.is_rest else asked:
            for headers in ({}, LIVE) if address.leads_to == "list" and not query and not address.is_rest else ({},):
                answer = stage.ask(caller, address, "get", f"{place}?{query}", **headers)
                read += answer.status == 200
                said = answer.text + str(answer.headers)
                asked_for = f"{place}?{query}"
                secrets = (*caller.secrets, world.OF_NOBODY)
                named = [each for each in secrets if each in said and each not in asked_for]
                wrong += [f"{caller}: {place}?{query} names {named}"] if named else []
                wrong += [f"{caller}: {place}?{query} is {answer.status}"] if answer.status == 500 else []
    assert "\n".join(wrong) == ""
    assert read > 30 or caller.role != "viewer", "something was read"


@pytest.mark.parametrize("caller", [ANONYMOUS, *LIMITED], ids=str)
def test_the_administration_is_for_admins_of_everything(stage, caller):
    of_admins = [each for each in ALL if each.leads_to == "admin" and "log" not in each.pattern.split("/")[1]]
    answers = {}
    for address in of_admins if caller.role in ("", "admin") else of_admins[::5]:
        place = "/" + re.sub(r"<[^>]+>|\(\?P.*", "1", address.pattern)
        answer = stage.ask(caller, address, "get", place)
        answers[place] = answer.status
        assert not answer.written, place
    assert set(answers.values()) <= {302, 403, 404}, answers
    assert len(answers) > 10


def test_strangers_are_answered_alike_everywhere(stage):
    wrong = []
    for address in (*OF_THINGS, *LISTS, *(each for each in ALL if each.leads_to == "own")):
        for method in address.methods:
            answer = stage.ask(ANONYMOUS, address, method, address.to(OWN), address.body(OWN))
            is_refused = answer.status == 401 if address.is_rest else answer.status in (302, 401, 403, 405)
            wrong += [] if is_refused and not answer.written else [f"{method} {address.to(OWN)} is {answer.status}"]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("caller", EVERYWHERE, ids=str)
def test_who_is_not_limited_finds_what_is_out_of_others_scope(stage, caller):
    """The walk would see a leak: what it looks for is there."""
    found = set()
    for kind in ("namespace", "group", "unit", "kind"):
        for address in OF_THINGS:
            if address.fits(OUTSIDE[kind][0]) and address.leads_to in ("grid", "package", "node", "pod", "unit"):
                answer = stage.ask(caller, address, "get", address.to(OUTSIDE[kind][0]))
                if answer.status == 200 and any(secret in answer.text for secret in world.SECRETS[kind]):
                    found.add((kind, address.leads_to))
    assert found >= {
        ("namespace", "grid"),
        ("namespace", "package"),
        ("namespace", "pod"),
        ("group", "grid"),
        ("group", "package"),
        ("group", "node"),
        ("group", "unit"),
        ("unit", "node"),
        ("unit", "unit"),
        ("kind", "grid"),
    }


def test_what_a_browser_of_another_keeps_is_nothing_to_somebody_with_a_scope(stage):
    """Pages, their parts and lists that answer 304, and parts that are made once for all who look at the same."""
    (all_seeing,) = EVERYWHERE[:1]
    # The labels are those of the NodeUnit that another is limited to: the two see the same.
    viewers = [each for each in LIMITED if each.role == "viewer" and each.scope != "labels"]
    tagged = 0
    for address in LISTS:
        for headers in ({}, LIVE):
            place = address.to(OWN)
            tags = {each: stage.ask(each, address, "get", place, **headers).tag for each in (all_seeing, *viewers)}
            found = [tag for tag in tags.values() if tag]
            tagged += len(found)
            assert len(set(found)) == len(found), (place, "two scopes have one tag")
    assert tagged > 40
