"""Notifications: the channels to people, what there is to tell, and what was told to whom."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ...core.text import Sentence
from ..scopes.clusters import OfCluster, cluster_field
from ..scopes.grants import Bounded
from ..sealed import SealedText

FINDING = 700


class NotificationChannel(Bounded):
    """Where notifications go: `url` is Apprise's, holds a secret, is kept sealed and never shown again. `topics` are
    those of `core.access.notices` that it is told of, separated by blanks; `resolved`: also when something is over. It
    is told of what is within its bounds. `sent_at` and `error` are of the last try ("": it was accepted)."""

    name = models.CharField(max_length=100, unique=True)
    url = SealedText(purpose="sgportal.channel")
    language = models.CharField(max_length=10, default="en")
    topics = models.TextField()
    resolved = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """One cause (a `core.access.notices.Finding`) from when it was found until it was no longer."""

    cluster = cluster_field()
    finding = models.CharField(max_length=FINDING)
    topic = models.CharField(max_length=10)
    message = models.JSONField()
    key = models.CharField(max_length=317, blank=True)
    unit = models.CharField(max_length=63, blank=True)
    kind = models.CharField(max_length=20, blank=True)
    namespace = models.CharField(max_length=63, blank=True)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True, db_index=True)

    objects: models.Manager["Notice"] = OfCluster()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["finding", "cluster"], condition=Q(ended_at=None), name="one_open_notice")
        ]

    def __str__(self) -> str:
        return self.finding

    @property
    def sentence(self) -> Sentence:
        """What there is to tell, to be said in the reader's language."""
        return Sentence.from_json(self.message)


class Delivery(models.Model):
    """That a channel is to be told of a notice, once: `event` is began, ended or, without a notice, test. It is tried
    from `next_at` on until it was accepted, at `sent_at`, or `given_up`."""

    channel = models.ForeignKey(NotificationChannel, models.CASCADE, related_name="deliveries")
    notice = models.ForeignKey(Notice, models.CASCADE, null=True, blank=True, related_name="deliveries")
    event = models.CharField(max_length=5)
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "notice", "event"], name="one_delivery_per_channel_and_event")
        ]
        indexes = [
            models.Index(
                fields=["channel", "next_at"], condition=Q(sent_at=None, given_up=False), name="deliveries_to_do"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel_id}:{self.notice_id}:{self.event}"
