"""Which actions may take two people."""

from typing import Literal, get_args

Action = Literal["delete", "drain", "rollback", "decide"]
ACTIONS: tuple[Action, ...] = get_args(Action)
