"""`manage.py backup FILE`: everything that only the portal's database knows, in a file that its user alone may read."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ..backup import Unusable, write


class Command(BaseCommand):
    """Write a backup, to standard output for `-`."""

    help = "Writes all that only the portal's database knows to FILE, or to standard output for -."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        parser.add_argument("file")

    def handle(self, *_args: Any, file: str, **_options: Any) -> None:
        """Write it under another name first, so that a file of this name is whole."""
        try:
            if file == "-":
                count = write(sys.stdout.buffer)
            else:
                part = f"{file}.part"
                with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
                    count = write(opened)
                    os.fsync(opened.fileno())
                os.replace(part, file)
        except (Unusable, OSError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{count} rows written")
