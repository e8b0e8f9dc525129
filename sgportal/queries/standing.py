"""Whether the portal may write to the cluster now: who manages the grids, and whether everything stops."""

from dataclasses import dataclass
from typing import Self

from ..models import ManagementMode
from ..models.statements import returned

_ROWS = """
    SELECT 'cluster', uid, halt FROM sgportal_managedcluster WHERE id = %(cluster)s
    UNION ALL SELECT 'mode', mode, '' FROM sgportal_stewardship WHERE id = %(cluster)s
"""


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
        rows = {of: (text, halt) for of, text, halt in returned(_ROWS)}
        uid, halt = rows.get("cluster", ("", ""))
        mode = ManagementMode(mode=rows["mode"][0]) if "mode" in rows else ManagementMode()
        return cls(uid, mode.may_write, mode.handing_back, halt)

    @property
    def may_write(self) -> bool:
        """Whether the portal writes to the cluster."""
        return self.managing and not self.halt
