"""`DATABASE_URL`: what it says reaches PostgreSQL, or the start is refused; connections are few and lent out."""

import json
import sys
import threading
import urllib.request

import pytest
from django.core.exceptions import ImproperlyConfigured

from sgportal.env import database
from tests.services import free_port, wait_for

from .processes import Portal, command_of

SHOWN = """
import json
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT current_setting('statement_timeout'), current_setting('search_path'), "
                   "inet_server_addr() IS NULL, current_setting('application_name')")
    print(json.dumps(cursor.fetchone()))
"""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://h/n", "must begin with"),
        ("portal.sqlite3", "must begin with"),
        ("", "must begin with"),
        ("postgresql://h/n?sslmod=verify-full", "sslmod"),
        ("postgresql://h/n?pool=1", "pool"),
        ("postgresql://h", "name the database"),
        ("postgresql://h/n?connect_timeout=soon", "connect_timeout"),
        ("postgresql://portal:hunter2%@h/n", "%XX"),
    ],
)
def test_what_no_database_is_is_refused_without_its_password(url, said):
    with pytest.raises(ImproperlyConfigured) as caught:
        database(url, 20, 30)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_every_option_of_the_url_is_kept():
    made = database(
        "postgresql://u:p%40w@h1:1,h2:2/n?sslmode=verify-full&sslrootcert=/ca.pem&target_session_attrs=read-write", 7, 3
    )
    assert (made["HOST"], made["PORT"], made["USER"], made["PASSWORD"], made["NAME"]) == (
        "h1,h2",
        "1,2",
        "u",
        "p@w",
        "n",
    )
    told = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "target_session_attrs": "read-write"}
    assert told.items() <= made["OPTIONS"].items()
    assert made["OPTIONS"]["pool"]["max_size"] == 7
    assert made.get("CONN_MAX_AGE", 0) == 0
    assert "pool" not in database("postgresql://h/n", 0, 3)["OPTIONS"]


def _portal(tmp_path, url, **more):
    return Portal(tmp_path, {"SECRET_KEY": "only-for-tests", "DATABASE_URL": url, **more})


@pytest.mark.postgres
def test_sockets_options_and_the_limit_of_a_statement_reach_postgresql(tmp_path, postgres_server):
    name = postgres_server.url().rpartition("/")[2]
    by_socket = f"postgresql://portal@/{name}?host={postgres_server.home}&port={postgres_server.port}"
    options = "&options=-c%20search_path%3Dedge"
    shown = json.loads(_portal(tmp_path, by_socket + options, SGPORTAL_STATEMENT_SECONDS="7").python(SHOWN))
    assert shown == ["7s", "edge", True, "sgportal"]
    assert json.loads(_portal(tmp_path, by_socket, SGPORTAL_STATEMENT_SECONDS="0").python(SHOWN))[0] == "0"


@pytest.mark.postgres
def test_a_server_without_tls_is_refused_where_tls_is_asked_for(tmp_path, postgres_server):
    url = postgres_server.url() + "?sslmode=verify-full"
    done = _portal(tmp_path, url).run([sys.executable, "manage.py", "migrate"], check=False)
    assert done.returncode != 0
    assert "SSL" in done.stderr


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_ended(tmp_path, postgres_server):
    said = _portal(tmp_path, postgres_server.url(), SGPORTAL_STATEMENT_SECONDS="1").python(
        "from django.db import connection, OperationalError\n"
        "try:\n    connection.cursor().execute('SELECT pg_sleep(20)')\n"
        "except OperationalError as error:\n    print(error)"
    )
    assert "statement timeout" in said


def _connections(server, name) -> int:
    import psycopg

    with psycopg.connect(host="127.0.0.1", port=server.port, user="portal", dbname="postgres") as link:
        return link.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()[0]


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_connections_are_lent_out_and_none_is_kept_by_a_stream(tmp_path, postgres_server):
    """Four connections serve thirty open streams and forty requests at once."""
    url, port = postgres_server.url(), free_port()
    portal = _portal(
        tmp_path,
        url,
        SGPORTAL_DATABASE_POOL="4",
        SGPORTAL_TLS="0",
        SGPORTAL_STATIC_FROM_SOURCE="1",
        SGPORTAL_CLUSTER="demo",
        UVICORN_PORT=str(port),
        UVICORN_HOST="127.0.0.1",
    )
    portal.migrate()
    token = portal.python(
        "from django.contrib.auth import get_user_model\nfrom sgportal.models import ApiToken\n"
        "print(ApiToken.issue(get_user_model().objects.create_superuser('ada'), 'test', 'write')[1])"
    )
    statuses: list[int] = []

    def ask(path: str) -> urllib.request.addinfourl:
        head = {"Authorization": f"Bearer {token}"}
        return urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=head), timeout=75
        )

    def read() -> None:
        with ask("/api/v1/deploymentgrids") as answer:
            statuses.append(answer.status)

    portal.start("web", command_of("web"))
    try:
        wait_for(lambda: "running on" in portal.log("web"), 75, "the web listens")
        streams = [ask("/api/v1/events") for _ in range(30)]
        threads = [threading.Thread(target=read) for _ in range(40)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert statuses == [200] * 40
        assert _connections(postgres_server, url.rpartition("/")[2]) <= 4
        for each in streams:
            each.close()
    finally:
        portal.stop()


WRITES = """
from django.db import connection
with connection.cursor() as cursor:
    try:
        cursor.execute("CREATE TABLE a (b int)")
    except Exception as error:
        print(type(error).__name__)
"""


@pytest.mark.postgres
def test_a_database_that_takes_no_writes_is_away(tmp_path, postgres_server):
    """So 503 is answered, and the watch and the keeper wait, where they ended by themselves and 500 was answered."""
    url = postgres_server.url()
    assert _portal(tmp_path, url + "?options=-c%20default_transaction_read_only%3Don").python(WRITES) == (
        "OperationalError"
    )
    assert _portal(tmp_path, url).python(WRITES) == ""


RESTED = """
import psycopg
from django.db import connection, transaction
from tests.services import wait_for
def gone(pid):
    with psycopg.connect(URL) as other:
        return not other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchall()
try:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 1")
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
        wait_for(lambda: gone(pid), 75, "PostgreSQL has ended it")
        HOW
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["pass", "cursor.execute('SELECT 1')"])  # by what it is noticed
def test_a_transaction_that_rested_while_a_machine_stood_still_is_no_fault_of_ours(tmp_path, postgres_server, how):
    """So processes wait and begin anew, where the watch ended by itself."""
    url = postgres_server.url()
    script = RESTED.replace("HOW", how).replace("URL", repr(url))
    assert _portal(tmp_path, url).python(script) == "OperationalError"


KNOWN = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'sgportal_managedcluster' AND attname = 'name'")
    print(cursor.fetchone()[0])
"""


@pytest.mark.postgres
def test_what_is_in_columns_is_known_once_a_database_is_migrated(tmp_path, postgres_server):
    portal = _portal(tmp_path, postgres_server.url())
    portal.run([sys.executable, "manage.py", "migrateonce"])
    assert portal.python(KNOWN) == "1"
