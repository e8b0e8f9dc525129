"""Whether the portal may write to the cluster now: who manages the grids, and whether everything stops."""

from dataclasses import dataclass
from typing import Self

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
        """As the rows say: two queries."""
        cluster, mode = ManagedCluster.now(), ManagementMode.now()
        return cls(cluster.uid, mode.may_write, mode.handing_back, cluster.halt)

    @property
    def may_write(self) -> bool:
        """Whether the portal writes to the cluster."""
        return self.managing and not self.halt
