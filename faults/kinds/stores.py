"""PostgreSQL and Redis go, come back empty, or cannot be reached."""

import signal
import time

from ..api import GRIDS
from ..setting import Setting
from ..snapshot import WAITING
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


@fault("database-lost", "the database is lost for good while nothing waits; the portal begins with an empty one")
def database_lost(at: Setting) -> None:
    """Every grid is taken over from its custom resource. Work pauses: what was agreed to and not yet carried out when a
    database is lost is lost with it."""
    at.work_goes_on.clear()
    time.sleep(2)  # what was asked for last is answered
    at.until(lambda: not at.rows(WAITING), "nothing waits")
    with at.paused():
        for name in at.names:
            at.stop(name)
        at.use(at.postgres.url())
        for name in at.names:
            at.begin(name)
    at.until(lambda: all(map(at.listens, at.each("web"))), "the web is ready")
    grids = len(at.api.list(f"{GRIDS}/deploymentgrids"))
    at.until(lambda: len(at.door().ask("GET", "deploymentgrids")[1]["items"]) == grids, "the grids are taken over")
