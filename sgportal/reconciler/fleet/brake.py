"""The brake on what goes without a person, as the settings have it."""

from django.conf import settings

from ...core.fleet.brake import Brake


def brake() -> Brake:
    """The share and the number that may go."""
    return Brake(settings.SGPORTAL_DELETE_BRAKE_SHARE, settings.SGPORTAL_DELETE_BRAKE_MIN)
