"""`manage.py health <kind>`: is this host's process of that kind (web, worker, watch, keeper) alive?

For container health checks.
"""

import http.client
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from ...models import Heartbeat
from ...reconciler.process import heartbeat
from ...reconciler.process.identity import host


class Command(BaseCommand):
    """Exit code 0 where it lives, 1 with the reason where it does not."""

    help = "Exit code 0 where this host's process of that kind lives: web, worker, watch, keeper."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the kind."""
        parser.add_argument("kind", choices=("web", *heartbeat.KINDS))

    def handle(self, *_args: Any, kind: str, **_options: Any) -> None:
        """Ask the web process itself, and the rows for the others."""
        if kind == "web":
            _ask_web()
        else:
            _look_for_heartbeat(kind)


def _ask_web() -> None:
    port = int(os.environ.get("UVICORN_PORT", "8000"))
    host = next((name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))), "localhost")
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", "/healthz", headers={"Host": host})
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
