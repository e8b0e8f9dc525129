"""Why the cluster does not give what somebody looks up."""

from ...cluster import ClusterError
from ...core.text import Sentence, say
from ..label_jobs import Unavailable


class NotAllowed(Exception):
    """The cluster does not let the portal read this; `sentence` says what would be needed."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class NoLog(Exception):
    """There is no such log: the container has not begun, or none ran before it; `sentence` has the cluster's words."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class NotRun(Exception):
    """The command could not be begun: the container does not run, or its node does not answer; `sentence` has the
    cluster's words."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def not_run(error: ClusterError) -> Exception:
    """What an error of the cluster's means to somebody who wants a command run."""
    if error.status in (401, 403):
        return raised(error)
    if error.status:
        return NotRun(say("the command could not be run: %(message)s", message=str(error)))
    return Unavailable(error)


def raised(error: ClusterError, log: bool = False) -> Exception:
    """What an error of the cluster's means to somebody who looks something up, or, with `log`, a log."""
    if error.status in (401, 403):
        text = say(
            "the cluster does not let the portal read this (docs/access/permissions.md): %(message)s",
            message=str(error),
        )
        return NotAllowed(text)
    if log and error.status in (400, 404):
        return NoLog(say("there is no such log: %(message)s", message=str(error)))
    return Unavailable(error)
