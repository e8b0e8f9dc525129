"""What somebody asked to do and another person has to approve."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..scopes.clusters import cluster_field
from ..scopes.rows import Scoped


class Approval(models.Model):
    """That `actor` wants an `action` done to what is at `path`, with exactly the plan of this id; `shown` is that plan
    as people read it. It is worth nothing from `expires_at` on. `decided_by` approved or refused it."""

    class State(models.TextChoices):
        """What became of it: OUTDATED, it would come to another plan by now; DONE, it was carried out."""

        WAITING = "waiting"
        APPROVED = "approved"
        REFUSED = "refused"
        OUTDATED = "outdated"
        DONE = "done"

    cluster = cluster_field()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=20)
    path = models.CharField(max_length=700)
    plan = models.CharField(max_length=64)
    shown = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)
    expires_at = models.DateTimeField()
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = Scoped["Approval"]()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.path}"

    @property
    def status(self) -> str:
        """Its state; `expired` for one that was not carried out in time."""
        is_over = self.state in OPEN and self.expires_at <= timezone.now()
        return "expired" if is_over else str(self.state)

    @classmethod
    def living(cls) -> Q:
        """Those that may still be carried out."""
        return Q(state__in=OPEN, expires_at__gt=timezone.now())


OPEN = (Approval.State.WAITING, Approval.State.APPROVED)  # those that may be carried out in time
