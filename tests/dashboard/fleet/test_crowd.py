"""A live part that many look at is made by one request and given to all of them, and to nobody who may not see it."""

import asyncio
import gzip

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client

from sgportal.access.callers import caller_of
from sgportal.access.standing import standing
from sgportal.api.handler import Handler
from sgportal.dashboard.page import unchanged
from sgportal.dashboard.page.parts import crowd as crowds
from sgportal.models import Grant, Journal, Node
from tests import builders
from tests.asgi import messages_of

PATH, QUERY = "/matrix/", b"group=site"
LIVE = ((b"hx-request", b"true"), (b"hx-target", b"live"))


class Browsers:
    """Many who are logged in and have a stream open, before an application that counts what reaches Django."""

    def __init__(self, count, role="viewer", grant=None):
        self.reached, self.django = [], Handler()
        self.crowd = crowds.Crowd(self._reach)
        self.cookies, self.callers = [], []
        for number in range(count):
            person = builders.a_person(f"person-{number}", "" if grant else role)
            if grant:
                Grant.objects.create(user=person, role=role, **grant)
            client = Client()
            client.force_login(person)
            request = client.get("/").wsgi_request
            self.cookies.append(f"sessionid={client.cookies['sessionid'].value}".encode())
            self.callers.append(caller_of(request))
        self.look()

    def look(self):
        """As the hub does all the time."""
        standing.forget()
        standing.look(self.callers)

    async def _reach(self, scope, receive, send):
        self.reached.append(scope)
        await self.django(scope, receive, send)

    async def ask(self, number=0, *more, path=PATH, query=QUERY, live=LIVE, method="GET"):
        headers = [(b"host", b"localhost"), (b"cookie", self.cookies[number]), *live, *more]
        scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
        sent = await messages_of(self.crowd, {**scope, "scheme": "http"})
        head = {name.lower(): value for name, value in sent[0]["headers"]}
        return sent[0]["status"], head, b"".join(each.get("body", b"") for each in sent[1:])


def run(work):
    async def within():
        return await asyncio.wait_for(work, 75)

    return asyncio.run(within())


@pytest.fixture
def fleet(transactional_db, monkeypatch):
    monkeypatch.setattr(unchanged, "PART_SECONDS", 1e9)  # none is too old, unless a test says so
    monkeypatch.setattr(crowds, "TICKET_SECONDS", 1e9)
    monkeypatch.setattr("sgportal.access.standing.MOMENT_SECONDS", 1e9)
    builders.a_node("ham-0", site="ham")
    builders.observed(builders.a_grid("echo", "site"), ["ham"])
    builders.news()
    yield
    standing.forget()


def test_many_are_given_what_one_request_made_and_it_is_compressed_once(fleet, monkeypatch):
    packed, pack = [], unchanged.compress_string
    monkeypatch.setattr(unchanged, "compress_string", lambda text: packed.append(text) or pack(text))
    browsers, small = Browsers(12), (b"accept-encoding", b"gzip")

    async def look():
        first = [await browsers.ask(number, small) for number in range(12)]
        assert len(browsers.reached) == 12, "each is asked once who they are"
        await Journal.objects.acreate(kind="grid", key="x")
        unchanged.parts.forget()
        browsers.reached.clear()
        packed.clear()
        return first, await asyncio.gather(*(browsers.ask(number, small) for number in range(12)))

    first, then = run(look())
    assert len(browsers.reached) == 1
    assert len(packed) == 1
    assert {body for _, _, body in then} == {then[0][2]}
    assert b"ham" in gzip.decompress(then[0][2])
    own = {b"x-request-id", b"etag"}
    for (status, before, _), (again, after, body) in zip(first, then, strict=True):
        assert (status, again) == (200, 200)
        assert {name: value for name, value in before.items() if name not in own} == {
            name: value for name, value in after.items() if name not in own
        }
        assert int(after[b"content-length"]) == len(body)
    assert len({head[b"x-request-id"] for _, head, _ in then}) == 12


def test_what_a_browser_has_already_is_not_sent_again(fleet):
    browsers = Browsers(1)

    async def look():
        _, head, _ = await browsers.ask()
        browsers.reached.clear()
        return await browsers.ask(0, (b"if-none-match", head[b"etag"]))

    status, head, body = run(look())
    assert (status, body, browsers.reached) == (304, b"", [])
    assert head[b"cache-control"] == b"private, no-cache"


@pytest.mark.parametrize(
    "otherwise",
    [
        {"query": b"group=zone"},
        {"path": "/"},
        {"live": ((b"hx-request", b"true"), (b"hx-target", b"other"))},
        {"live": ()},
        {"method": "POST"},
    ],
)
def test_whoever_asks_for_anything_else_asks_django(fleet, otherwise):
    browsers = Browsers(1)

    async def look():
        await browsers.ask()
        await browsers.ask()
        before = len(browsers.reached)
        await browsers.ask(**otherwise)
        return before, len(browsers.reached)

    assert run(look()) == (1, 2)


def test_another_language_is_another_part(fleet):
    browsers = Browsers(1)

    async def look():
        for language in (b"en", b"zh-hans") * 2:
            yield (await browsers.ask(0, (b"accept-language", language)))[2].decode()

    async def all_of_it():
        return [each async for each in look()]

    english, chinese, *again = run(all_of_it())
    assert english != chinese
    assert again == [english, chinese]
    assert len(browsers.reached) == 2


ENDINGS = {
    "a role": lambda: Group.objects.all().delete(),
    "a person": lambda: User.objects.all().update(is_active=False),
    "a session": lambda: Session.objects.all().delete(),
}


@pytest.mark.parametrize("ends", ENDINGS)
def test_whoever_may_not_see_it_any_more_is_given_nothing(fleet, ends):
    from asgiref.sync import sync_to_async

    browsers = Browsers(2)

    async def look():
        for _ in range(2):
            await browsers.ask(0)
        browsers.reached.clear()
        await sync_to_async(ENDINGS[ends])()
        await sync_to_async(browsers.look)()
        return await browsers.ask(0)

    status, head, body = run(look())
    assert len(browsers.reached) == 1
    assert (status, b"ham" in body) in {(403, False), (204, False)}
    assert b"hx-refresh" in head or status == 403


def test_nothing_is_given_on_what_was_known_a_while_ago_nor_to_whom_nobody_looks_after(fleet, monkeypatch):
    browsers = Browsers(2)

    async def look():
        for _ in range(2):
            await browsers.ask(0)
        known = len(browsers.reached)
        monkeypatch.setattr("sgportal.access.standing.MOMENT_SECONDS", 0.0)
        await browsers.ask(0)
        monkeypatch.setattr("sgportal.access.standing.MOMENT_SECONDS", 1e9)
        standing.forget()
        await browsers.ask(0)
        return known, len(browsers.reached)

    assert run(look()) == (1, 3)


def test_whose_grant_goes_by_labels_is_asked_each_time(fleet):
    builders.label(Node.objects.get(), {"site": "ham", "region": "north"})
    browsers = Browsers(1, grant={"key": "site", "selector": "region=north"})

    async def look():
        for _ in range(3):
            assert (await browsers.ask(0))[0] == 200
        return len(browsers.reached)

    assert run(look()) == 3


def test_where_the_one_who_makes_it_fails_the_others_ask_themselves(fleet, monkeypatch):
    browsers = Browsers(4)

    async def look():
        for number in range(4):
            await browsers.ask(number)
        browsers.reached.clear()
        unchanged.parts.forget()
        broken = []

        async def fail_once(scope, receive, send):
            browsers.reached.append(scope)
            if not broken:
                broken.append(True)
                await asyncio.sleep(0)
                raise RuntimeError("lost")
            await browsers.django(scope, receive, send)

        monkeypatch.setattr(browsers.crowd, "_application", fail_once)
        return await asyncio.gather(*(browsers.ask(number) for number in range(4)), return_exceptions=True)

    found = run(look())
    assert [type(each) for each in found].count(RuntimeError) == 1
    assert [each[0] for each in found if isinstance(each, tuple)] == [200] * 3
    assert browsers.crowd._making == {}


def test_the_line_about_the_news_is_made_once_too(fleet):
    browsers = Browsers(3)
    pulse = {"path": "/pulse/", "query": b"", "live": ((b"hx-request", b"true"), (b"hx-target", b"pulse"))}

    async def look():
        for number in range(3):
            await browsers.ask(number, **pulse)
        browsers.reached.clear()
        unchanged.parts.forget()
        return await asyncio.gather(*(browsers.ask(number, **pulse) for number in range(3)))

    found = run(look())
    assert [status for status, _, _ in found] == [200] * 3
    assert len(browsers.reached) == 1
