"""Who manages the grids in the cluster, we or SuperEdge's own controller, and what was last seen of that controller."""

from typing import Any

from django.db import models
from django.utils import timezone

from ..core.superedge.controller import HANDING_BACK, MANAGING, READ_ONLY
from ..core.text import Sentence
from .scopes.clusters import OneEach, current


class ManagementMode(OneEach):
    """`mode` says whether we write to the cluster, `since` when, and `decided_by` whom (a user's name, "" for
    the portal itself); `forced` that we do although SuperEdge's controller runs.

    `running` is whether that controller runs (None: never looked), `evidence` the sentences that tell by what, `cure`
    the commands that stop it, `facts` what the next look compares with, `version` and `definitions` what the cluster
    is and holds, all as of `looked_at`. `task` is the last thing that was asked for on the cluster as a whole:
    `{name, state: pending|done|failed, by, at, lines: [sentence], commands: [text]}`.
    """

    mode = models.CharField(max_length=12, default=MANAGING)
    since = models.DateTimeField(default=timezone.now)
    decided_by = models.CharField(max_length=150, blank=True)
    forced = models.BooleanField(default=False)
    looked_at = models.DateTimeField(null=True, blank=True)
    running = models.BooleanField(null=True, blank=True)
    evidence = models.JSONField(default=list)
    cure = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    version = models.CharField(max_length=60, blank=True)
    definitions = models.JSONField(default=list)
    task = models.JSONField(default=dict)

    class Meta:
        db_table = "sgportal_stewardship"

    def __str__(self) -> str:
        return self.mode

    @classmethod
    def change(cls, **fields: Any) -> None:
        """Set some fields and leave the others to whoever else writes them."""
        if not cls.objects.update(**fields):
            cls.objects.get_or_create(pk=current())
            cls.objects.update(**fields)

    @property
    def may_write(self) -> bool:
        """Whether we may write to the cluster, and take writes of intent that would lead to it."""
        return self.mode == MANAGING

    @property
    def read_only(self) -> bool:
        """Whether nothing of ours is written until a person takes over."""
        return self.mode == READ_ONLY

    @property
    def handing_back(self) -> bool:
        """Whether the last writes before we stop are under way."""
        return self.mode == HANDING_BACK

    @property
    def task_lines(self) -> list[Sentence]:
        """What came of the last task."""
        return [Sentence.from_json(each) for each in self.task.get("lines", [])]

    @property
    def sentences(self) -> list[Sentence]:
        """By what we know that SuperEdge's controller runs."""
        return [Sentence.from_json(each) for each in self.evidence]
