"""Tell one channel what it is due: everything in one message, at most one in PAUSE_SECONDS, again until it is taken."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from ...core.access.notices import MORE, RESOLVED, SUMMARY, TEST
from ...models import Delivery, NotificationChannel
from .send import send

log = logging.getLogger(__name__)
PAUSE_SECONDS = 20.0  # between two messages to a channel
SHOWN = 20  # lines of a message
MOST = 1000  # deliveries in one message
FIRST_BACKOFF, LAST_BACKOFF = 15.0, 1800.0  # seconds until another try
GIVEN_UP = timedelta(days=1)


def run(channel_pk: str) -> float | None:
    """Send what is due to a channel; the seconds until it is to be looked at again, None where nothing is left. Who is
    killed after the message was taken sends it again: at least once."""
    channel = NotificationChannel.objects.filter(pk=channel_pk).first()
    if channel is None:
        return None
    now = timezone.now()
    waiting = Delivery.objects.filter(channel=channel, sent_at=None, given_up=False).select_related("notice")
    due = list(waiting.filter(next_at__lte=now).order_by("pk")[:MOST])
    if not due:
        later = waiting.order_by("next_at").values_list("next_at", flat=True).first()
        return max(1.0, (later - now).total_seconds()) if later else None
    rests = PAUSE_SECONDS - (now - channel.sent_at).total_seconds() if channel.sent_at else 0.0
    if rests > 0:
        return rests
    return _tell(channel, due)


def _tell(channel: NotificationChannel, due: Sequence[Delivery]) -> float | None:
    title, body = message(channel.language, due)
    error = send(channel.url, title, body, resolved=all(each.event == "ended" for each in due))
    now = timezone.now()
    rows, channels = Delivery.objects.filter(pk__in=[each.pk for each in due]), NotificationChannel.objects
    if not error:
        with transaction.atomic():
            rows.update(sent_at=now)
            channels.filter(pk=channel.pk).update(sent_at=now, error="")
        return PAUSE_SECONDS
    log.warning("the channel %s did not take a notification: %s", channel.name, error)
    after = min(LAST_BACKOFF, FIRST_BACKOFF * float(2 ** min(16, max(each.tries for each in due))))
    with transaction.atomic():
        for each in due:
            each.tries += 1
            each.next_at = now + timedelta(seconds=after)
            each.given_up = now - each.created_at > GIVEN_UP or each.event == "test"
        Delivery.objects.bulk_update(due, ["tries", "next_at", "given_up"])
        channels.filter(pk=channel.pk).update(error=error[:300])
    return after


def message(language: str, due: Sequence[Delivery]) -> tuple[str, str]:
    """Title, with the cluster's name, and text in a language: one line for each notice, those that began first."""
    with translation.override(language):
        lines = [_line(each) for each in sorted(due, key=lambda each: each.event == "ended")]
        more = len(lines) - SHOWN
        if more > 0:
            lines[SHOWN:] = [MORE.having(count=more).render(gettext)]
        title = lines[0] if len(due) == 1 else SUMMARY.having(count=len(due)).render(gettext)
        if name := settings.SGPORTAL_CLUSTER_NAME:
            title = f"[{name}] {title}"
        return title, "\n".join(lines)


def _line(each: Delivery) -> str:
    if each.notice is None:
        return TEST.render(gettext)
    sentence = each.notice.sentence
    return (RESOLVED.having(what=sentence) if each.event == "ended" else sentence).render(gettext)
