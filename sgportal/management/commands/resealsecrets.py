"""`manage.py resealsecrets`: after a new SECRET_KEY, with the one of before in SECRET_KEY_FALLBACKS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ... import actions


class Command(BaseCommand):
    """Seal every secret that is kept encrypted with the key of now."""

    help = "Encrypts second factors and the URLs of channels with SECRET_KEY, so that SECRET_KEY_FALLBACKS can go."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it, and name what no key opens."""
        done, lost = actions.reseal_secrets(actions.Actor("manage.py", "shell"))
        self.stdout.write(f"{done} secrets are sealed with SECRET_KEY")
        if lost:
            raise CommandError(f"no key that is known opens these, which stay as they are: {', '.join(lost)}")
