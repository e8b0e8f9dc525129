"""`manage.py health <kind>`: is this host's process of that kind (web, worker, watch, keeper) alive?

For container health checks. A check that restarts what fails is given `--unless-database-is-away`: a process that waits
for its database lives, and to begin it anew would not bring the database back.
"""

import http.client
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.db.models import Q

from ...models import Heartbeat
from ...reconciler.process import heartbeat
from ...reconciler.process.identity import host


class Command(BaseCommand):
    """Exit code 0 where it lives, 1 with the reason where it does not."""

    help = "Exit code 0 where this host's process of that kind lives: web, worker, watch, keeper."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the kind, and whether a database that does not answer counts as well."""
        parser.add_argument("kind", choices=("web", *heartbeat.KINDS))
        text = "exit code 0 where the database, in which processes leave their sign of life, does not answer"
        parser.add_argument("--unless-database-is-away", action="store_true", help=text)

    def handle(self, *_args: Any, kind: str, unless_database_is_away: bool, **_options: Any) -> None:
        """Ask the web process itself, and the rows for the others."""
        if kind == "web":
            _ask_web()
            return
        try:
            _look_for_heartbeat(kind)
        except OperationalError as error:
            if not unless_database_is_away:
                raise CommandError(f"the database does not answer: {error}") from error
            self.stderr.write(f"the {kind} was not looked for, since the database does not answer: {error}")


def _ask_web() -> None:
    port = int(os.environ.get("UVICORN_PORT", "8000"))
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", "/healthz")
        status = link.getresponse().status
    except OSError as error:
        raise CommandError(f"the web process does not answer on port {port}: {error}") from error
    finally:
        link.close()
    if status != 200:
        raise CommandError(f"the web process answers {status}")


def _look_for_heartbeat(kind: str) -> None:
    mine = Q(kind=kind, name__startswith=f"{host()}:")
    if not heartbeat.living().filter(mine).exists():
        last = Heartbeat.objects.filter(mine).order_by("-at").values_list("at", flat=True).first()
        raise CommandError(f"the {kind} on this host was last heard {last or 'never'}")
