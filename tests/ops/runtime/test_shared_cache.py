"""The cache in Redis: what one process counts the others know; without Redis each counts alone, and nobody waits."""

import os
import signal
import sys
import time

import pytest

from sgportal import shared_cache
from tests.services import free_port, in_time, run_redis, wait_for

from .processes import Portal

pytestmark = pytest.mark.redis


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(shared_cache, "PAUSE_SECONDS", 0.5)


def _cache(port):
    return shared_cache.SharedCache(f"redis://127.0.0.1:{port}/0", {})


def test_two_processes_share_what_is_counted(tmp_path, redis_server):
    portal = Portal(
        tmp_path,
        {"SECRET_KEY": "k", "DATABASE_URL": "sqlite:///:memory:", "CELERY_BROKER_URL": redis_server.url},
    )
    redis_server.client().flushall()
    count = "from django.core.cache import cache\ncache.add('n', 0)\nprint(cache.incr('n'))"
    assert [portal.python(count) for _ in range(3)] == ["1", "2", "3"]
    alone = Portal(tmp_path, {**portal.settings, "SGPORTAL_CACHE_URL": ""})
    assert alone.python(count) == "1"


def test_what_is_kept_is_json_and_only_ours_is_cleared(redis_server):
    client, cache = redis_server.client(), _cache(redis_server.port)
    client.flushall()
    client.set("a-queue", "of somebody else")
    cache.set("times", [1.5, 2.5], 60)
    assert client.get("sgportal-cache:1:times") == b"[1.5,2.5]"
    assert cache.get("times") == [1.5, 2.5]
    cache.clear()
    assert cache.get("times") is None
    assert client.get("a-queue") == b"of somebody else"


def test_a_key_of_another_type_is_counted_here(redis_server):
    redis_server.client().flushall()
    redis_server.client().rpush("sgportal-cache:1:n", "x")
    cache = _cache(redis_server.port)
    cache.set("ours", 1)
    assert cache.get("n") is None or cache.get("n") == 1
    cache.set("n", 5)
    assert cache.get("n") == 5
    with pytest.raises(ValueError, match="not found"):
        cache.incr("never-there")
    assert cache.get("ours") == 1, "Redis is still asked"


def test_redis_goes_and_comes_back(tmp_path, quick):
    port = free_port()
    cache = _cache(port)
    cache.set("n", 1)
    assert cache.incr("n") == 2
    with run_redis(tmp_path, port) as server:
        wait_for(lambda: cache.set("m", 7) or server.client().get("sgportal-cache:1:m"), 75, "Redis is asked again")
        cache.set("only-there", 7)
        assert cache.get("only-there") == 7
    assert cache.get("only-there") is None
    cache.set("only-there", 8)
    assert cache.get("only-there") == 8


def test_nobody_waits_again_and_again_for_a_redis_that_hangs(tmp_path):
    with run_redis(tmp_path) as server:
        cache = _cache(server.port)
        cache.set("n", 1)
        pid = int(server.client().info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            since = time.monotonic()
            for number in range(200):
                cache.set("n", number)
            assert cache.get("n") == 199
            assert in_time(time.monotonic() - since, 3)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_nonsense_is_refused_by_name(tmp_path):
    portal = Portal(tmp_path, {"SECRET_KEY": "k", "SGPORTAL_CACHE_URL": "memcached://h"})
    done = portal.run([sys.executable, "manage.py", "check"], check=False)
    assert "SGPORTAL_CACHE_URL must begin with" in done.stderr
