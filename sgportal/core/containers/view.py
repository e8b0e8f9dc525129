"""The containers of a pod, and how each fares, read from the cluster's own object."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Body = Mapping[str, Any]
Role = Literal["init", "sidecar", "container", "ephemeral"]
Phase = Literal["waiting", "running", "terminated"]
_AMONG: tuple[tuple[str, str, Role], ...] = (
    ("initContainers", "initContainerStatuses", "init"),
    ("containers", "containerStatuses", "container"),
    ("ephemeralContainers", "ephemeralContainerStatuses", "ephemeral"),
)


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container's state (ContainerState, v1): `since` is when it began, `until` when it ended (RFC 3339, "" for not);
    `exit_code` is None unless it has ended."""

    phase: Phase
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A container of a pod. `last` is how it ended before it was started again, None where it was not."""

    name: str
    role: Role
    image: str
    state: ContainerState
    last: ContainerState | None = None
    ready: bool = False
    restarts: int = 0

    @property
    def fails(self) -> bool:
        """Whether something is wrong with it: it waits for more than its turn, or has ended badly."""
        if self.state.phase == "waiting":
            return self.state.reason not in ("", "ContainerCreating", "PodInitializing")
        return bool(self.state.exit_code)

    @property
    def has_begun(self) -> bool:
        """Whether it has a log: it runs, or has run."""
        return self.state.phase != "waiting" or self.last is not None


def containers_of(body: Body) -> tuple[ContainerView, ...]:
    """The containers of a pod, in the order in which they begin."""
    return tuple(_containers(body.get("spec") or {}, body.get("status") or {}))


def _containers(spec: Body, status: Body) -> Iterator[ContainerView]:
    for specs, statuses, role in _AMONG:
        known = {each["name"]: each for each in status.get(statuses) or ()}
        for each in spec.get(specs) or ():
            found: Body = known.get(each["name"], {})
            last = found.get("lastState") or {}
            yield ContainerView(
                each["name"],
                "sidecar" if role == "init" and each.get("restartPolicy") == "Always" else role,
                each.get("image") or "",
                _state(found.get("state") or {}),
                _state(last) if last else None,
                bool(found.get("ready")),
                found.get("restartCount", 0),
            )


def _state(state: Body) -> ContainerState:
    if ended := state.get("terminated"):
        code = ended.get("exitCode", 0)
        reason, message = ended.get("reason") or ("Error" if code else "Completed"), ended.get("message") or ""
        return ContainerState(
            "terminated", reason, message, code, ended.get("startedAt") or "", ended.get("finishedAt") or ""
        )
    if running := state.get("running"):
        return ContainerState("running", since=running.get("startedAt") or "")
    waiting = state.get("waiting") or {}
    return ContainerState("waiting", waiting.get("reason") or "", waiting.get("message") or "")


def most_telling(containers: tuple[ContainerView, ...]) -> ContainerView | None:
    """The container whose log is most likely wanted: the first that fails and has a log, else the first that is no init
    container; None for a pod without containers."""
    failing = (each for each in containers if each.fails and each.has_begun)
    usual = (each for each in containers if each.role == "container")
    return next(failing, None) or next(usual, None)
