"""Channels of notifications: made, taken away, tried. Their URLs are secrets, and in no audit event."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from ...core.access.notices import TOPICS
from ...core.access.reading import read_bounds, written
from ...core.access.scope import Bounds
from ...core.text import Invalid, Problem, one_of, say
from ...models import Delivery, NotificationChannel
from ...reconciler.notices.send import SERVICES, service_of
from ...reconciler.notices.turn import key_of
from ...reconciler.queue import workqueue
from ..common import Actor, note_access
from ..people import MAX_NAME

LANGUAGES = tuple(code for code, _ in settings.LANGUAGES)


def add_channel(asked: Mapping[str, Any], actor: Actor) -> NotificationChannel:
    """Make a channel from `name`, `url`, `language`, `topics`, `resolved` and the fields of its bounds. Raises
    Invalid."""
    topics = asked.get("topics") or TOPICS
    bounds = _check(asked, topics)
    with transaction.atomic():
        row = NotificationChannel(name=asked["name"], url=asked["url"], language=asked.get("language") or LANGUAGES[0])
        row.topics, row.resolved = " ".join(dict.fromkeys(topics)), asked.get("resolved") is not False
        row.limit_to(bounds)
        row.save()
        note_access(actor, "channel-added", _path(row), None, _shown(row))
    return row


def _check(asked: Mapping[str, Any], topics: Sequence[str]) -> Bounds:
    bounds, problems = read_bounds(asked)
    name, url = asked["name"], asked["url"]
    if not 1 <= len(name) <= MAX_NAME or "\0" in name:
        problems.append(Problem("/name", say("must have 1 to %(most)s characters", most=MAX_NAME)))
    elif NotificationChannel.objects.filter(name=name).exists():
        problems.append(Problem("/name", say("“%(name)s” already exists", name=name)))
    if not service_of(url):
        known = ", ".join(sorted(SERVICES))
        problems.append(Problem("/url", say("must be a URL of Apprise that begins with one of %(known)s", known=known)))
    if asked.get("language") and asked["language"] not in LANGUAGES:
        problems.append(Problem("/language", one_of(LANGUAGES)))
    problems += [Problem(f"/topics/{n}", one_of(TOPICS)) for n, each in enumerate(topics) if each not in TOPICS]
    if problems:
        raise Invalid(*problems)
    return bounds


def remove_channel(row: NotificationChannel, actor: Actor) -> None:
    """Take a channel away; what it was still to be told goes with it."""
    with transaction.atomic():
        note_access(actor, "channel-removed", _path(row), _shown(row), None)
        row.delete()


def try_channel(row: NotificationChannel, actor: Actor) -> None:
    """Have a test sent by a worker, once; what became of it is `error` and `sent_at` of the channel."""
    with transaction.atomic():
        note_access(actor, "channel-tried", _path(row))
        waiting = Delivery.objects.filter(channel=row, event="test", sent_at=None, given_up=False)
        if not waiting.exists():
            Delivery.objects.create(channel=row, event="test")
        workqueue.enqueue([key_of(row.pk)], urgent=True)


def _path(row: NotificationChannel) -> str:
    return f"notifications/{row.pk}"


def _shown(row: NotificationChannel) -> dict[str, Any]:
    """A channel as the audit trail keeps it."""
    shown = {"name": row.name, "service": service_of(row.url), "language": row.language, "topics": row.topics.split()}
    return {**shown, "resolved": row.resolved, **written(row.bounds)}
