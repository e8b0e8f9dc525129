"""The writes of intent that both doors share: validate, save, note who, wake the reconciler.

No reads, and no cluster except for the one label a person wants changed at once, and a look whether SuperEdge's own
controller runs.
"""

from .access.approvals import approve_request, refuse_request
from .access.bookmarks import add_favourite, remove_favourite, remove_view, save_view
from .access.grants import check_role, give_role, take_back
from .access.sealed import reseal_secrets
from .access.second_factor import (
    add_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    reset_second_factor,
)
from .access.service_tokens import issue_service_token, revoke_service_token
from .common import (
    WHOLE,
    Actor,
    AlreadyExists,
    Forbidden,
    NeedsApproval,
    NotFound,
    PlanChanged,
    ReadOnly,
    Refused,
    Stale,
    Unavailable,
    as_planned,
    note_access,
)
from .fleet import decide
from .grids import Saved, delete_grid, recreate_unit, save_grids
from .groups import SavedGroup, delete_group, restore_package, save_group
from .held import decide_held
from .labels import assign_units, label_node, label_nodes, schedule_nodes, undo_job
from .migration.imports import Imported, import_objects
from .notifications import add_channel, remove_channel, try_channel
from .operations import approve, pause, remove_overrides, remove_unused_templates, restart, resume, scale, set_image
from .people import MAX_DAYS, SCOPES, issue_token, note_log_in, revoke_token, scopes_of
from .pods.commands import run_command
from .revisions import pin_units, restore_revision
from .rollouts import steer_package, steer_rollout
from .superedge import TakeOver, hand_back, take_over, upgrade_definitions

__all__ = [
    "MAX_DAYS",
    "SCOPES",
    "WHOLE",
    "Actor",
    "AlreadyExists",
    "Forbidden",
    "Imported",
    "NeedsApproval",
    "NotFound",
    "PlanChanged",
    "ReadOnly",
    "Refused",
    "Saved",
    "SavedGroup",
    "Stale",
    "TakeOver",
    "Unavailable",
    "add_channel",
    "add_favourite",
    "add_second_factor",
    "approve",
    "approve_request",
    "as_planned",
    "assign_units",
    "check_role",
    "decide",
    "decide_held",
    "delete_grid",
    "delete_group",
    "give_role",
    "hand_back",
    "import_objects",
    "issue_service_token",
    "issue_token",
    "label_node",
    "label_nodes",
    "note_access",
    "note_log_in",
    "pause",
    "pin_units",
    "recreate_unit",
    "refuse_request",
    "remove_channel",
    "remove_favourite",
    "remove_overrides",
    "remove_second_factor",
    "remove_unused_templates",
    "remove_view",
    "renew_recovery_codes",
    "reseal_secrets",
    "reset_second_factor",
    "restart",
    "restore_package",
    "restore_revision",
    "resume",
    "revoke_service_token",
    "revoke_token",
    "run_command",
    "save_grids",
    "save_group",
    "save_view",
    "scale",
    "schedule_nodes",
    "scopes_of",
    "set_image",
    "steer_package",
    "steer_rollout",
    "take_back",
    "take_over",
    "try_channel",
    "undo_job",
    "upgrade_definitions",
]
