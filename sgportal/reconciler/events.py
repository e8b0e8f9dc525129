"""What happened to a grid and why, for people; repeats are counted."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from ..core.text import Sentence
from ..models import GridEvent

KEPT = timedelta(days=14)


def record(path: str, unit: str, reason: str, sentence: Sentence, warning: bool = False) -> None:
    """Note an event; the same one within a day only raises its count."""
    message = sentence.to_json()
    kind = "Warning" if warning else "Normal"
    now = timezone.now()
    same = GridEvent.objects.filter(path=path, unit=unit, reason=reason, type=kind, last_at__gt=now - timedelta(days=1))
    latest = same.first()
    if latest and latest.message == message:
        GridEvent.objects.filter(pk=latest.pk).update(count=F("count") + 1, last_at=now)
    else:
        GridEvent.objects.create(path=path, unit=unit, reason=reason, type=kind, message=message)


def prune() -> None:
    """Forget what is older than two weeks."""
    GridEvent.objects.filter(last_at__lt=timezone.now() - KEPT).delete()
