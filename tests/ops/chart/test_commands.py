"""The commands that pods run beside their process."""

import sys

import pytest

from tests.services import free_port

from ..runtime.processes import Portal

MANAGE = [sys.executable, "manage.py"]


@pytest.fixture
def portal(tmp_path):
    return Portal(tmp_path, {"SECRET_KEY": "k" * 50, "DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite3"})


def test_a_process_that_has_died_is_begun_anew(portal):
    portal.run([*MANAGE, "migrateonce"])
    done = portal.run([*MANAGE, "health", "worker", "--unless-database-is-away"], check=False)
    assert done.returncode == 1
    assert "was last heard never" in done.stderr


def test_one_that_waits_for_its_database_is_not(portal):
    portal.settings["DATABASE_URL"] = f"postgresql://portal@127.0.0.1:{free_port()}/portal"
    portal.settings["SGPORTAL_DATABASE_POOL"] = "0"
    asked = portal.run([*MANAGE, "health", "keeper"], check=False)
    assert (asked.returncode, "the database does not answer" in asked.stderr) == (1, True)
    done = portal.run([*MANAGE, "health", "keeper", "--unless-database-is-away"])
    assert "was not looked for, since the database does not answer" in done.stderr
