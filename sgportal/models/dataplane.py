"""What was last seen of the cluster's data plane."""

from datetime import datetime
from typing import Any

from django.db import models

from ..core.text import Sentence
from ..core.traffic.dataplane import Plane, Trial
from .scopes.clusters import OneEach


class DataPlane(OneEach):
    """`seen` is `{plane: {name, setting, why}, trial: {kept, said}}` as of `looked_at`; `why` is a sentence or
    null. The dry run in `trial` is as of `tried_at`. `readers` is the last look for what else reads the EndpointSlices
    of closed Services, `{unseen: kinds that may not be listed, cut: kinds too many to read all}`."""

    seen = models.JSONField(default=dict)
    looked_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    readers = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.plane.name if self.plane else "–"

    @classmethod
    def keep(cls, plane: Plane, trial: Trial, looked_at: datetime, tried_at: datetime) -> bool:
        """Remember a look; whether it saw something else than the one before."""
        before = cls.now().seen
        row = cls(seen=written(plane, trial), looked_at=looked_at, tried_at=tried_at)
        row._keep("seen", "looked_at", "tried_at")
        return bool(before != row.seen)

    @classmethod
    def keep_readers(cls, unseen: list[str], cut: list[str]) -> bool:
        """Remember a look for readers; whether it saw something else than the one before."""
        before, row = cls.now().readers, cls(readers={"unseen": unseen, "cut": cut})
        if before != row.readers:
            row._keep("readers")
        return bool(before != row.readers)

    def _keep(self, *fields: str) -> None:
        """Write these fields and no other: different processes look for different things."""
        DataPlane.objects.bulk_create([self], update_conflicts=True, unique_fields=["id"], update_fields=fields)

    @property
    def unseen(self) -> dict[str, list[str]]:
        """What the last look for readers did not see; nothing where nobody looked yet."""
        return {name: list(self.readers.get(name) or ()) for name in ("unseen", "cut")}

    @property
    def plane(self) -> Plane | None:
        """The data plane; None where nobody looked yet."""
        return read(self.seen)[0]

    @property
    def trial(self) -> Trial | None:
        """The dry run; None where nobody looked yet."""
        return read(self.seen)[1]


def written(plane: Plane, trial: Trial) -> dict[str, Any]:
    """What a look saw, for the row."""
    why = plane.why.to_json() if plane.why else None
    return {
        "plane": {"name": plane.name, "setting": plane.setting, "why": why},
        "trial": {"kept": trial.kept, "said": trial.said},
    }


def read(seen: dict[str, Any]) -> tuple[Plane | None, Trial | None]:
    """What `written` wrote; nothing from an empty row."""
    if not seen:
        return None, None
    plane, why = seen["plane"], seen["plane"]["why"]
    return Plane(plane["name"], plane["setting"], why and Sentence.from_json(why)), Trial(**seen["trial"])
