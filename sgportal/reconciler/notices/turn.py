"""Every few seconds: which causes are new, which are over, and who is to be told. Nothing is sent here."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from ...core.access.notices import Finding, concerns
from ...core.access.scope import Scope
from ...models import Delivery, Notice, NotificationChannel, clock
from ...models.scopes.selected import settle
from ...queries.fleet.findings import findings
from ..queue import workqueue

KIND = "notices"  # of the work keys: one for each channel
EVERY_SECONDS = 15.0
HOLD = timedelta(seconds=30)  # a cause that is over sooner is told to nobody
KEPT = timedelta(days=7)
MOST = 500  # open notices of each topic; what is more is noted as it becomes less
BATCH = 500


def look() -> float:
    """Compare what is found with what is known, and have the channels told. Seconds until another look. Without a
    channel nothing is kept and nothing looked for: two statements."""
    channels = list(NotificationChannel.objects.all())
    if not channels:
        Notice.objects.all().delete()
        return EVERY_SECONDS
    with transaction.atomic():
        _note(findings())
        _ask_for_deliveries(channels)
        Notice.objects.filter(ended_at__lt=clock.now(-KEPT)).delete()
        Delivery.objects.filter(notice=None, created_at__lt=clock.now(-KEPT)).delete()
    due = Delivery.objects.filter(sent_at=None, given_up=False, next_at__lte=clock.now()).order_by()
    workqueue.enqueue(key_of(channel) for channel in due.values_list("channel", flat=True).distinct())
    return EVERY_SECONDS


def key_of(channel: int) -> str:
    """The work key of a channel."""
    return f"{KIND}/{channel}"


def _note(found: Iterable[Finding]) -> None:
    """Have an open notice for each finding, as far as there is room, and for nothing else."""
    now = {each.id: each for each in found}
    known = dict(Notice.objects.filter(ended_at=None).values_list("finding", "pk"))
    over = [pk for finding, pk in known.items() if finding not in now]
    Notice.objects.filter(pk__in=over).update(ended_at=clock.now())
    open_ones = Counter(each.topic for each in now.values() if each.id in known)
    rows = []
    for each in now.values():
        if each.id not in known and open_ones[each.topic] < MOST:
            open_ones[each.topic] += 1
            rows.append(_row(each))
    Notice.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def _row(found: Finding) -> Notice:
    return Notice(
        finding=found.id,
        topic=found.topic,
        message=found.sentence.to_json(),
        key=found.key,
        unit=found.unit,
        kind=found.kind,
        namespace=found.namespace,
    )


def _ask_for_deliveries(channels: Iterable[NotificationChannel]) -> None:
    """A row for each channel that is to be told and has none. What is over before it was told is told to nobody."""
    Delivery.objects.filter(event="began", sent_at=None, tries=0).exclude(notice__ended_at=None).delete()
    Delivery.objects.bulk_create([*_began(channels), *_ended()], batch_size=BATCH, ignore_conflicts=True)


def _began(channels: Iterable[NotificationChannel]) -> Iterator[Delivery]:
    """Of what lasts, what concerns a channel that was not told."""
    told = set(Delivery.objects.filter(event="began", notice__ended_at=None).values_list("channel", "notice"))
    lasting = Notice.objects.filter(ended_at=None, began_at__lte=clock.now(-HOLD)).order_by("pk")
    causes = [(each, _finding(each)) for each in lasting]
    channels = list(channels)
    scope = settle(Scope(tuple(channel.bounds for channel in channels)))
    for channel, bounds in zip(channels, scope.bounds, strict=True):
        topics = channel.topics.split()
        for notice, found in causes:
            if (channel.pk, notice.pk) not in told and found.topic in topics and concerns(bounds, found):
                yield Delivery(channel=channel, notice=notice, event="began")


def _finding(row: Notice) -> Finding:
    return Finding(row.finding, row.topic, row.sentence, row.key, row.unit, row.kind, row.namespace)


def _ended() -> Iterator[Delivery]:
    """Of what is over, what channels that are told of ends were told the beginning of, and no more."""
    told = Delivery.objects.filter(event="ended", channel=OuterRef("channel"), notice=OuterRef("notice"))
    over = Delivery.objects.filter(event="began", channel__resolved=True, notice__ended_at__isnull=False)
    for channel, notice in over.filter(~Exists(told)).order_by("pk").values_list("channel", "notice"):
        yield Delivery(channel_id=channel, notice_id=notice, event="ended")
