"""Many who look at a time: what they share is made once, and nobody of them holds what others need."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, iscoroutinefunction
from django.http import HttpResponse

from sgportal.api import handler
from sgportal.api.events import changes, seats, streams
from sgportal.api.events.answer import EventStream
from sgportal.api.events.listeners import Listener
from sgportal.core.access.scope import EVERYTHING, Bounds, Scope
from tests.asgi import messages_of
from tests.services import wait_for

from .test_live import Stream, a_change

SHOP = Scope((Bounds(namespaces=("shop",), key="site"),))  # is told that there is news of grids, not of which


def batches(*sizes):
    number = iter(range(1, sum(sizes) + 1))
    return [
        changes.Batch(
            tuple(changes.Change(next(number), "grid", f"deploymentgrids/shop/g{each}") for each in range(size))
        )
        for size in sizes
    ]


def told(listeners):
    async def all_of_them():
        return [await each.next(75) for each in listeners]

    return asyncio.run(all_of_them())


def test_what_many_are_told_alike_is_written_once(monkeypatch):
    written, frames = [], changes.frames
    monkeypatch.setattr(changes, "frames", lambda *args: written.append(args) or frames(*args))
    crowd = [Listener(scope, scope, 0) for scope in (EVERYTHING, SHOP) for _ in range(100)]
    # Half of each are slower by one batch: what they have to tell is the same again among them.
    first, second = batches(3, 2)
    for each in crowd:
        each.hear(first)
    assert len(set(told(crowd[::2]))) == 2
    for each in crowd:
        each.hear(second)
    found = told(crowd)
    assert len(written) == 6
    assert [each.count(b"data:") for each in (found[1], found[0], found[101])] == [3, 2, 1]


def test_one_who_reads_nothing_holds_no_more_than_a_backlog():
    slow = Listener(EVERYTHING, EVERYTHING, 0)
    for each in batches(*[100] * 50):
        slow.hear(each)
        assert sum(len(batch.changes) for batch in slow._batches) <= streams.BACKLOG
    assert told([slow]) == [b"id: 5000\nevent: resync\ndata: {}\n\n"]


def test_a_stream_whose_reader_takes_nothing_ends(monkeypatch):
    monkeypatch.setattr(handler, "STUCK_SECONDS", 0.01)
    ended = []

    async def forever():
        try:
            while True:
                yield b"data: {}\n\n"
        finally:
            ended.append(True)

    async def never(_message):
        await asyncio.Event().wait()

    async def follow():
        receive = asyncio.Event().wait
        await asyncio.wait_for(handler.Handler()._follow(forever(), receive, never), 75)

    asyncio.run(follow())
    assert ended == [True]


def test_those_who_came_together_come_back_apart(transactional_db):
    async def begin(count):
        each = [streams.stream(0, [], False, EVERYTHING) for _ in range(count)]
        begun = [await anext(one) for one in each]
        for one in each:
            await one.aclose()
        return {int(text.split()[1]) for text in begun}

    waits = asyncio.run(begin(40))
    assert len(waits) > 20
    assert min(waits) >= 1500
    assert max(waits) <= 4500


def test_a_crowd_is_told_less_often_and_a_few_at_once():
    hub = streams.Hub()
    assert hub._pause(told=True) == streams.POLL_SECONDS
    hub._listeners = {Listener(EVERYTHING, EVERYTHING, 0) for _ in range(500)}
    assert hub._pause(told=True) == streams.SELDOM * streams.POLL_SECONDS < streams.HEARTBEAT_SECONDS
    assert hub._pause(told=False) == streams.POLL_SECONDS


@pytest.mark.django_db
def test_a_request_is_answered_in_one_thread_by_one_way_there(as_, monkeypatch):
    """Middlewares that are coroutines one by one cost more than what a request asks for."""
    ways, call = [], SyncToAsync.__call__

    async def counted(self, *args, **kwargs):
        ways.append(self.func)
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    answering = handler.Handler()
    assert not iscoroutinefunction(answering._middleware_chain)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/healthz",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    sent = asyncio.run(asyncio.wait_for(messages_of(answering, scope), 75))
    assert sent[0]["status"] == 200
    # There; and the receivers of the signals that a request has begun and is over.
    assert len(ways) <= 4


def test_of_many_requests_at_once_some_are_answered_and_the_others_wait_their_turn_but_for_probes(monkeypatch):
    """Hundreds of threads at once wait for connections to the database until the pool gives up on them."""
    monkeypatch.setattr(handler, "AT_A_TIME", 3)
    free, busy, most, lock = threading.Event(), [], [], threading.Lock()

    def answer(request):
        if request.path != "/healthz":
            with lock:
                busy.append(request)
                most.append(len(busy))
            free.wait(75)
            with lock:
                busy.remove(request)
        return HttpResponse()

    answering = handler.Handler()
    monkeypatch.setattr(answering, "get_response", answer)

    async def ask(path):
        async with ThreadSensitiveContext():
            return await answering.get_response_async(SimpleNamespace(path=path))

    async def at_once():
        waiting = [asyncio.create_task(ask("/")) for _ in range(20)]
        while len(busy) < 3:
            await asyncio.sleep(0)
        assert (await ask("/healthz")).status_code == 200
        free.set()
        return [each.status_code for each in await asyncio.gather(*waiting)]

    assert asyncio.run(asyncio.wait_for(at_once(), 75)) == [200] * 20
    assert max(most) == 3


def test_streams_that_are_open_keep_no_threads(address, token):
    wait_for(lambda: seats.Seat.taken() == 0, 75, "the streams of other tests are over")
    Stream(address, token)
    before = threading.active_count()
    crowd = [Stream(address, token) for _ in range(30)]
    wait_for(lambda: seats.Seat.taken() >= 30, 75, "all are open")
    wait_for(lambda: threading.active_count() < before + 15, 75, "the threads that opened them are gone")
    made = a_change("shared")
    assert {each.next()[0] for each in crowd if each} >= {made}


def test_a_stream_that_nobody_detaches_is_an_answer_like_any_other():
    async def two():
        yield b"a"
        yield b"b"

    async def read():
        return [each async for each in EventStream(two())]

    assert asyncio.run(read()) == [b"a", b"b"]
