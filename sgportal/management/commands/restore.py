"""`manage.py restore FILE`: the rows of a backup into the database, all or none."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ..backup import Unusable, read


class Command(BaseCommand):
    """Restore a backup, from standard input for `-`."""

    help = "Puts the rows of FILE, or of standard input for -, into the database, all or none."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, and whether what is there may go."""
        parser.add_argument("file")
        parser.add_argument("--replace", action="store_true", help="remove what the database holds first")

    def handle(self, *_args: Any, file: str, replace: bool, **_options: Any) -> None:
        """Restore."""
        try:
            if file == "-":
                count = read(sys.stdin.buffer, replace)
            else:
                with Path(file).open("rb") as opened:
                    count = read(opened, replace)
        except (Unusable, OSError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{count} rows restored")
