"""`manage.py resetsecondfactor NAME`: for an administrator who lost phone and recovery codes, where nobody else can."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import actions


class Command(BaseCommand):
    """Take a user's second factor away and end their sessions."""

    help = "Takes away the second factor of the user NAME and ends their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the user's name."""
        parser.add_argument("name")

    def handle(self, *_args: Any, name: str, **_options: Any) -> None:
        """Look the user up, and say what was there."""
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"there is no user “{name}”")
        if not actions.reset_second_factor(user, actions.Actor("manage.py", "shell")):
            raise CommandError(f"“{name}” has no second factor")
        self.stdout.write(f"the second factor of “{name}” is gone, and their sessions have ended")
