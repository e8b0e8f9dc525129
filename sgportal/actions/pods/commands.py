"""Running a command in a container. The audit trail knows of it before it begins, and how it ended: a process that is
killed in between leaves the first."""

from collections.abc import Sequence
from typing import Any

from ...core.containers.commands import command_problems
from ...core.text import Invalid
from ...models import Pod
from ...queries.per_unit.pods import PodCell
from ...reconciler.live import commands
from ..common import Actor, note


def run_command(pod: Pod, cells: Sequence[PodCell], container: str, words: list[str], actor: Actor) -> commands.Running:
    """Run a command in a container of a pod that belongs to these cells. Raises Invalid, and what
    `reconciler.live.commands.begin` raises."""
    problems = list(command_problems(words))
    if problems:
        raise Invalid(*problems)
    path = f"{cells[0].grid}#{cells[0].unit}"
    asked = {"pod": str(pod), "node": pod.node, "container": container, "command": words}
    note(actor, "exec", path, None, asked)

    def ended(outcome: commands.Outcome) -> None:
        how: dict[str, Any] = {"ended": outcome.reason, "exitCode": outcome.exit_code, "seconds": outcome.seconds}
        if outcome.sentence:
            how["message"] = outcome.sentence.to_json()
        note(actor, "exec-ended", path, asked, how)

    return commands.begin(pod, container, words, actor.name, ended)
