"""Secrets that are kept encrypted, sealed anew after a change of SECRET_KEY."""

from cryptography.fernet import InvalidToken
from django.db import transaction

from ...access import second_factor
from ...models import NotificationChannel, SecondFactor
from ...models.sealed import is_sealed
from ..common import Actor, note_access


def reseal_secrets(actor: Actor) -> tuple[int, list[str]]:
    """Seal second factors and the URLs of channels with the key of now: how many there are, and the names of those that
    no key opens, which stay as they are."""
    lost: list[str] = []
    with transaction.atomic():
        factors = list(SecondFactor.objects.select_for_update().select_related("user").order_by("pk"))
        for factor in factors:
            try:
                factor.secret = second_factor.sealed_anew(factor.secret)
            except InvalidToken:
                lost.append(f"users/{factor.user.get_username()}")
        SecondFactor.objects.bulk_update(factors, ["secret"], batch_size=500)
        channels = list(NotificationChannel.objects.select_for_update().order_by("pk"))
        lost += [f"notifications/{each.name}" for each in channels if is_sealed(each.url)]
        NotificationChannel.objects.bulk_update(channels, ["url"], batch_size=500)
        done = len(factors) + len(channels) - len(lost)
        note_access(actor, "secrets-resealed", "", None, {"sealed": done, "lost": lost})
    return done, lost
