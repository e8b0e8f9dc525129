"""What a plan is made from, besides the grid."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..grids.grid import GridSpec
from ..ownership.identity import Owner
from ..traffic.closure import UNKNOWN, Capabilities
from ..units import Unit
from .contest import Attempts
from .retirement import Retirement

# Why a child goes although the grid stays: its NodeUnit has no nodes, the grid is not for that unit any more, or it has
# another gridUniqKey.
Cause = Literal["", "unit-gone", "left-out", "key-changed"]


AS_IT_IS = 0  # the number of a revision that nobody knows: of a workload that was there before the grid's row


@dataclass(frozen=True, slots=True)
class Pinned:
    """The revision that a unit stays at: its number, and the grid as it was then; None where that is not stored, or
    would not be valid now. At AS_IT_IS a workload stays what it is, and where there is none it follows the latest.
    `by`: a person's wish, or a rollout: whose turn the unit is to wait for, or that has reached it."""

    number: int
    spec: GridSpec | None
    by: Literal["person", "waiting", "rollout"] = "person"


@dataclass(frozen=True, slots=True)
class Unready:
    """A grid that is waited for, as `<plural>/<name>`. `ring`: where it waits there for whoever waits for it, all that
    wait for one another, from the one that waits back to it."""

    place: str
    ring: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What the plan is made from, besides the grid.

    `units`: the NodeUnits of the grid's key now. `live`: every object in its namespace, of its children's kind, that
    may matter: those with its label, those it owns, those with a wanted name. `gone_since`: when a unit was first
    missed, epoch seconds. `recreate`: units whose child an operator asked to replace. `deleting`: the grid is to go,
    with `orphaning` without its children. `retirement`: what was decided about the children of units that the grid does
    not have any more. `can`: what the cluster can keep of a closed loop. `attempts`: per unit, which fields did not
    keep what they were set to. `carried_out`: the grid as it is was carried out before. `known`: all of the grid's
    units, where it asks for more than their names. `left_out`: units that have nodes and that the grid is not for.
    `pinned`: units that stay at a revision. `joined`: units that had a workload of the grid, where it asks for that.
    `unready`: by unit that does not have the grid's revision yet, a grid that it depends on and that is not ready
    there.
    """

    units: Collection[str]
    live: Sequence[Mapping[str, Any]]
    owner: Owner
    now: float
    gone_since: Mapping[str, float] = field(default_factory=dict)
    grace: float = 3600.0
    recreate: Collection[str] = ()
    deleting: bool = False
    orphaning: bool = False
    retirement: Mapping[str, Retirement] = field(default_factory=dict)
    can: Capabilities = UNKNOWN
    attempts: Mapping[str, Attempts] = field(default_factory=dict)
    carried_out: bool = False
    known: Mapping[str, Unit] = field(default_factory=dict)
    left_out: Collection[str] = ()
    pinned: Mapping[str, Pinned] = field(default_factory=dict)
    joined: Collection[str] = ()
    unready: Mapping[str, Unready] = field(default_factory=dict)

    def is_over(self, unit: str) -> bool:
        """Whether the grace time of a unit's child is over, or a person does not want to wait for that."""
        return unit in self.recreate or self.now - self.gone_since.get(unit, self.now) >= self.grace
