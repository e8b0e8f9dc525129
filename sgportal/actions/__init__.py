"""The writes of intent that both doors share: validate, save, note who, wake the reconciler.

No reads, and no cluster except for the one label a person wants changed at once, and a look whether SuperEdge's own
controller runs.
"""

from .common import Actor, AlreadyExists, Forbidden, NotFound, ReadOnly, Refused, Stale, Unavailable
from .fleet import decide
from .grids import Saved, delete_grid, recreate_unit, remove_unused_templates, save_grids
from .groups import SavedGroup, delete_group, save_group
from .labels import label_node, label_nodes
from .revisions import restore_revision
from .superedge import TakeOver, hand_back, take_over, upgrade_definitions

__all__ = [
    "Actor",
    "AlreadyExists",
    "Forbidden",
    "NotFound",
    "ReadOnly",
    "Refused",
    "Saved",
    "SavedGroup",
    "Stale",
    "TakeOver",
    "Unavailable",
    "decide",
    "delete_grid",
    "delete_group",
    "hand_back",
    "label_node",
    "label_nodes",
    "recreate_unit",
    "remove_unused_templates",
    "restore_revision",
    "save_grids",
    "save_group",
    "take_over",
    "upgrade_definitions",
]
