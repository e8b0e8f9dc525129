"""PostgreSQL and Redis go, come back empty, or cannot be reached."""

import signal
import time

from ..setting import Setting
from .fault import fault


@fault("redis-killed", "Redis killed for 30 s, then empty")
def redis_killed(at: Setting) -> None:
    """It keeps nothing on disk."""
    at.redis.stop(signal.SIGKILL)
    time.sleep(30)
    at.redis.start()


@fault("redis-flushed", "FLUSHALL once a second, for 15 s")
def redis_flushed(at: Setting) -> None:
    """Messages are lost on their way."""
    with at.redis.client() as client:
        for _ in range(15):
            client.flushall()
            time.sleep(1)


@fault("postgres-killed", "PostgreSQL killed by SIGKILL and begun anew after 10 s, twice")
def postgres_killed(at: Setting) -> None:
    """It recovers from its log."""
    for _ in range(2):
        at.postgres.kill()
        time.sleep(10)
        at.postgres.start()
        time.sleep(5)


@fault("database-cut", "every connection to PostgreSQL cut, eight times in 16 s")
def database_cut(at: Setting) -> None:
    """In the middle of transactions."""
    for _ in range(8):
        at.note(f"{at.to_database.cut()} connections cut")
        time.sleep(2)


@fault("database-silent", "nothing passes between the portal and PostgreSQL for 30 s, connections stay open")
def database_silent(at: Setting) -> None:
    """As behind a firewall that has forgotten them."""
    at.to_database.hang()
    time.sleep(30)
    at.to_database.mend()
