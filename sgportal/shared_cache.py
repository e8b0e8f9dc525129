"""Django's cache for several processes: in Redis, and in each process' own memory while Redis does not answer.

What is kept is JSON, not pickles: whoever can write to a Redis must not be able to run code here.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson
import redis
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

from .breaker import Breaker

WAIT_SECONDS = 0.5  # for an answer
PAUSE_SECONDS = 5.0  # between two tries while there is none


class JSONSerializer:
    """How values are kept. Whole numbers stay bare, so that Redis can count with them."""

    def dumps(self, value: Any) -> Any:
        """The value as Redis keeps it. Raises TypeError for what JSON cannot say."""
        return value if type(value) is int else orjson.dumps(value)

    def loads(self, data: bytes) -> Any:
        """The value that was kept."""
        return orjson.loads(data)


class _InRedis(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = server

    def clear(self) -> None:
        """Remove our own keys only: the database may also hold the queue."""
        with redis.Redis.from_url(self._server) as client:
            for key in client.scan_iter(f"{self.key_prefix}:*", count=1000):
                client.delete(key)


class _Stores:
    """What all threads of the process share: a client has connections of its own, and each request is a thread."""

    def __init__(self, server: str) -> None:
        options = {
            "serializer": JSONSerializer,
            "socket_connect_timeout": WAIT_SECONDS,
            "socket_timeout": WAIT_SECONDS,
            "retry": Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile is not Redis away
        }
        common: dict[str, Any] = {"KEY_PREFIX": "sgportal-cache"}
        self.shared: BaseCache = _InRedis(server, {**common, "OPTIONS": options})
        self.own: BaseCache = LocMemCache("while-redis-is-away", common)
        self.breaker = Breaker("Redis, for what processes share,", PAUSE_SECONDS)


_stores = cache(_Stores)


def _either(name: str) -> Callable[..., Any]:
    """A method that asks Redis, and this process' memory where Redis does not answer."""

    def ask(self: "SharedCache", *args: Any, **options: Any) -> Any:
        stores = self._stores
        if stores.breaker.allows():
            try:
                found = getattr(stores.shared, name)(*args, **options)
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                stores.breaker.failed(error)
            except (redis.RedisError, orjson.JSONDecodeError):
                stores.breaker.succeeded()  # it answers, yet not about this key: another program put something there
            except ValueError:  # to count up what is not there
                stores.breaker.succeeded()
                raise
            else:
                stores.breaker.succeeded()
                return found
        return getattr(stores.own, name)(*args, **options)

    return ask


class SharedCache(BaseCache):
    """The backend; `LOCATION` is a Redis URL."""

    def __init__(self, server: str, params: Mapping[str, Any]) -> None:
        super().__init__(dict(params))
        self._stores = _stores(server)

    add = _either("add")
    get = _either("get")
    set = _either("set")
    touch = _either("touch")
    delete = _either("delete")
    has_key = _either("has_key")
    incr = _either("incr")
    get_many = _either("get_many")
    set_many = _either("set_many")
    delete_many = _either("delete_many")
    clear = _either("clear")
