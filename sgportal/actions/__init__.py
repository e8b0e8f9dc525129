"""The writes of intent that both doors share: validate, save, note who, wake the reconciler.

No reads, and no cluster except for the one label a person wants changed at once.
"""

from .common import Actor, AlreadyExists, NotFound, Refused, Stale, Unavailable
from .grids import Saved, delete_grid, recreate_unit, remove_unused_templates, save_grids
from .groups import SavedGroup, delete_group, save_group
from .labels import label_node, label_nodes

__all__ = [
    "Actor",
    "AlreadyExists",
    "NotFound",
    "Refused",
    "Saved",
    "SavedGroup",
    "Stale",
    "Unavailable",
    "delete_grid",
    "delete_group",
    "label_node",
    "label_nodes",
    "recreate_unit",
    "remove_unused_templates",
    "save_grids",
    "save_group",
]
