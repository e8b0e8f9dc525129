"""Whether the portal may write to the cluster now: who manages the grids, and whether everything stops."""

from dataclasses import dataclass
from typing import Self

from django.db.models import Value

from ..models import ManagedCluster, ManagementMode


@dataclass(frozen=True, slots=True)
class Standing:
    """`uid` is the cluster that is meant ("": any), `managing` that no other controller manages the grids,
    `handing_back` that they are being handed to one, `halt` why everything stops ("": it does not)."""

    uid: str
    managing: bool
    handing_back: bool
    halt: str

    @classmethod
    def now(cls) -> Self:
        """As the rows say; what holds before anybody looked where there are none yet. One query."""
        clusters = ManagedCluster.objects.values_list(Value("cluster"), "uid", "halt")
        modes = ManagementMode.objects.values_list(Value("mode"), "mode", Value(""))
        rows = {of: (text, halt) for of, text, halt in clusters.union(modes, all=True)}
        uid, halt = rows.get("cluster", ("", ""))
        mode = ManagementMode(mode=rows["mode"][0]) if "mode" in rows else ManagementMode()
        return cls(uid, mode.may_write, mode.handing_back, halt)

    @property
    def may_write(self) -> bool:
        """Whether the portal writes to the cluster."""
        return self.managing and not self.halt
