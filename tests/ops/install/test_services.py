"""The services that other tests stand on."""

import pytest


@pytest.mark.redis
def test_redis_answers(redis_server):
    assert redis_server.client().ping()


@pytest.mark.postgres
def test_postgres_gives_a_fresh_database_each_time(postgres_server):
    import psycopg

    first, second = postgres_server.url(), postgres_server.url()
    assert first != second
    with psycopg.connect(second) as link:
        assert link.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema='public'"
        ).fetchone() == (0,)
