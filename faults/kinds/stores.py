"""PostgreSQL and Redis go, come back empty, or cannot be reached."""

import shutil
import signal
import subprocess
import time

from ..api import GRIDS
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


@fault("redis-read-only", "Redis takes no writes for 30 s: it follows a master that is not there, as after a failover")
def redis_read_only(at: Setting) -> None:
    """It answers, and every message and cached value is refused with READONLY."""
    with at.redis.client() as client:
        client.replicaof("127.0.0.1", 1)
        time.sleep(30)
        client.replicaof("NO", "ONE")


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
    at.rest()
    at.restart_all(lambda: at.use(at.postgres.url()))
    _taken_over(at)


@fault(
    "database-restored",
    "a backup while work goes on, 12 s more of work, then the database is dropped and the backup restored",
)
def database_restored(at: Setting) -> None:
    """The cluster has gone on since the backup, and is right."""
    backup = at.folder / "portal.backup"
    at.note(at.manage("backup", str(backup)))
    time.sleep(12)
    at.rest()
    lost, token = at.database.rpartition("/")[2], at.token

    def lose_everything() -> None:
        at.use(at.postgres.url())
        at.rows(f"DROP DATABASE {lost} WITH (FORCE)", fetch=False)
        at.note(at.manage("restore", "--replace", str(backup)))
        (at.folder / "token").write_text(token)  # which is that of before again

    at.restart_all(lose_everything)
    gone = _decide_for_the_cluster(at)
    at.note(f"{gone} grids deleted since the backup waited for a person")
    _taken_over(at)


@fault(
    "database-behind",
    "PostgreSQL fails over to a replica that was 10 s behind: the last transactions are lost, and nobody says so",
)
def database_behind(at: Setting) -> None:
    """The processes run on. What the cluster was told in the lost seconds is right: it is in its custom resources."""
    data, kept = at.postgres.home / "data", at.folder / "replica"
    at.postgres.kill()
    subprocess.run(["cp", "-a", data, kept], check=True)
    at.postgres.start()
    time.sleep(10)
    at.rest()
    at.postgres.kill()
    shutil.rmtree(data)
    subprocess.run(["cp", "-a", kept, data], check=True)
    shutil.rmtree(kept)
    at.postgres.start()
    gone = _decide_for_the_cluster(at)
    at.note(f"{gone} grids deleted in the lost seconds waited for a person")
    _taken_over(at)


def _decide_for_the_cluster(at: Setting) -> int:
    """What the restored portal has and the cluster has not, a person lets go; how many."""
    door, ended = at.door(), time.monotonic() + 15
    gone = 0
    while time.monotonic() < ended:
        waiting = [each["id"] for each in door.ask("GET", "decisions")[1]["items"] if each["kind"] == "grid-gone"]
        if waiting:
            status, said, _ = door.ask("POST", "decisions", {"choice": "follow", "items": waiting})
            assert status < 300, said
            gone += len(waiting)
        time.sleep(1)
    return gone


def _taken_over(at: Setting) -> None:
    there = {each["metadata"]["name"] for each in at.api.list(f"{GRIDS}/deploymentgrids")}

    def differing() -> set[str]:
        return {each["metadata"]["name"] for each in at.door().ask("GET", "deploymentgrids")[1]["items"]} ^ there

    try:
        at.until(lambda: not differing(), "the grids are taken over", 60)
    except AssertionError as error:
        raise AssertionError(f"{error}; only on one side: {', '.join(sorted(differing()))}") from error


@fault("database-read-only", "PostgreSQL takes no writes for 30 s (default_transaction_read_only)")
def database_read_only(at: Setting) -> None:
    """As where it has failed over to a standby that is not promoted yet."""
    _read_only(at, "on")
    time.sleep(30)
    _read_only(at, "off")


def _read_only(at: Setting, value: str) -> None:
    at.rows(f"ALTER SYSTEM SET default_transaction_read_only = {value}", fetch=False)
    at.rows("SELECT pg_reload_conf()")


@fault("redis-full", "Redis has no memory left for 30 s (maxmemory 1, noeviction)")
def redis_full(at: Setting) -> None:
    """It answers, and takes no message."""
    with at.redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        time.sleep(30)
        client.config_set("maxmemory", 0)
