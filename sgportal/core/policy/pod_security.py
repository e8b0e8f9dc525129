"""The Pod Security Standards (kubernetes.io/docs/concepts/security/pod-security-standards), at their latest version:
what in a pod template a level forbids, each with its place.

The rules, their allowed values and their exemptions are those of Kubernetes' own admission plugin PodSecurity
(k8s.io/pod-security-admission, v0.37). A template has passed the schema before; null counts as absent.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from ..text import Problem, one_of, pointer, say
from .pod_security_values import (
    APPARMOR_ANNOTATION,
    CAPABILITIES,
    PROFILES,
    RESTRICTED_CAPABILITIES,
    SELINUX_TYPES,
    SYSCTLS,
    VOLUMES,
)

Level = Literal["privileged", "baseline", "restricted"]
LEVELS: tuple[Level, ...] = get_args(Level)
ENFORCE = "pod-security.kubernetes.io/enforce"

_ABSENT_OR_FALSE = say("must be false or unset")
_ABSENT = say("must not be set")
_FALSE = say("must be false")
_NOT_ROOT = say("must not be 0, which is root")
_NON_ROOT = say("must be true, here or for the whole pod")
_DROP_ALL = say("must contain “ALL”")
_SECCOMP = say("must be RuntimeDefault or Localhost, here or for the whole pod")


@dataclass(frozen=True)
class _Pod:
    """A pod template at `where`. `containers` are those of all three lists and `contexts` every securityContext, the
    pod's own first, each with its place."""

    template: Mapping[str, Any]
    where: str

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        return self.template.get("spec") or {}

    @cached_property
    def containers(self) -> list[tuple[Mapping[str, Any], str]]:
        return [
            (container, self.at(name, index))
            for name in ("initContainers", "containers", "ephemeralContainers")
            for index, container in enumerate(self.spec.get(name) or ())
            if container
        ]

    @cached_property
    def own(self) -> Mapping[str, Any]:
        return self.spec.get("securityContext") or {}

    @cached_property
    def contexts(self) -> list[tuple[Mapping[str, Any], str]]:
        return [(self.own, self.at("securityContext")), *self.container_contexts]

    @cached_property
    def container_contexts(self) -> list[tuple[Mapping[str, Any], str]]:
        return [(each.get("securityContext") or {}, place + "/securityContext") for each, place in self.containers]

    def at(self, *parts: str | int) -> str:
        return self.where + pointer("spec", *parts)

    @property
    def is_windows(self) -> bool:
        return bool((self.spec.get("os") or {}).get("name") == "windows")

    @property
    def has_user_namespace(self) -> bool:
        return self.spec.get("hostUsers") is False


Rule = Callable[[_Pod], Iterator[Problem]]


def violations(level: Level, template: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """What in the pod template at the JSON pointer `where` the level forbids."""
    pod = _Pod(template, where)
    for rule in _RULES[level]:
        yield from rule(pod)


def level_of(labels: Mapping[str, str], default: Level) -> Level:
    """The level of a namespace with these labels: what its label says, else the default. Another word than a level's
    means `restricted`, as the admission plugin has it."""
    found = labels.get(ENFORCE)
    if found is None:
        return default
    return next((level for level in LEVELS if level == found), "restricted")


def _host_namespaces(pod: _Pod) -> Iterator[Problem]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(name):
            yield Problem(pod.at(name), _ABSENT_OR_FALSE)


def _privileged(pod: _Pod) -> Iterator[Problem]:
    for context, place in pod.container_contexts:
        if context.get("privileged"):
            yield Problem(place + "/privileged", _ABSENT_OR_FALSE)


def _windows_host_process(pod: _Pod) -> Iterator[Problem]:
    for context, place in pod.contexts:
        if (context.get("windowsOptions") or {}).get("hostProcess"):
            yield Problem(place + "/windowsOptions/hostProcess", _ABSENT_OR_FALSE)


def _added(pod: _Pod, allowed: Collection[str]) -> Iterator[Problem]:
    for context, place in pod.container_contexts:
        for index, name in enumerate((context.get("capabilities") or {}).get("add") or ()):
            if name not in allowed:
                yield Problem(place + pointer("capabilities", "add", index), one_of(sorted(allowed)))


def _capabilities(pod: _Pod) -> Iterator[Problem]:
    yield from _added(pod, CAPABILITIES)


def _few_capabilities(pod: _Pod) -> Iterator[Problem]:
    if pod.is_windows:
        return
    yield from _added(pod, RESTRICTED_CAPABILITIES)
    for context, place in pod.container_contexts:
        if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
            yield Problem(place + "/capabilities/drop", _DROP_ALL)


def _host_paths(pod: _Pod) -> Iterator[Problem]:
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        if (volume or {}).get("hostPath") is not None:
            yield Problem(pod.at("volumes", index, "hostPath"), _ABSENT)


def _volumes(pod: _Pod) -> Iterator[Problem]:
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        for source, value in (volume or {}).items():
            if source != "name" and source not in VOLUMES and value is not None:
                sentence = say("must be another kind of volume: %(kinds)s", kinds=", ".join(sorted(VOLUMES)))
                yield Problem(pod.at("volumes", index, source), sentence)


def _host_ports(pod: _Pod) -> Iterator[Problem]:
    for container, place in pod.containers:
        for index, port in enumerate(container.get("ports") or ()):
            if (port or {}).get("hostPort"):
                yield Problem(place + pointer("ports", index, "hostPort"), _ABSENT)


def _probe_hosts(pod: _Pod) -> Iterator[Problem]:
    for container, place in pod.containers:
        lifecycle = container.get("lifecycle") or {}
        handlers = [(name, container.get(name)) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
        handlers += [(f"lifecycle/{name}", lifecycle.get(name)) for name in ("postStart", "preStop")]
        for name, handler in handlers:
            for action in ("httpGet", "tcpSocket"):
                if ((handler or {}).get(action) or {}).get("host"):
                    yield Problem(f"{place}/{name}/{action}/host", _ABSENT)


def _app_armor(pod: _Pod) -> Iterator[Problem]:
    for context, place in pod.contexts:
        profile = context.get("appArmorProfile")
        if profile is not None and profile.get("type") not in PROFILES:
            yield Problem(place + "/appArmorProfile/type", one_of(sorted(PROFILES)))
    for key, value in ((pod.template.get("metadata") or {}).get("annotations") or {}).items():
        allowed = not value or value == "runtime/default" or value.startswith("localhost/")
        if key.startswith(APPARMOR_ANNOTATION) and not allowed:
            sentence = one_of(("runtime/default", "localhost/…"))
            yield Problem(pod.where + pointer("metadata", "annotations", key), sentence)


def _se_linux(pod: _Pod) -> Iterator[Problem]:
    for context, place in pod.contexts:
        options = context.get("seLinuxOptions") or {}
        if options.get("type") and options["type"] not in SELINUX_TYPES:
            yield Problem(place + "/seLinuxOptions/type", one_of(sorted(SELINUX_TYPES)))
        for name in ("user", "role"):
            if options.get(name):
                yield Problem(f"{place}/seLinuxOptions/{name}", _ABSENT)


def _proc_mount(pod: _Pod) -> Iterator[Problem]:
    for context, place in pod.container_contexts:
        if context.get("procMount") not in (None, "Default"):
            yield Problem(place + "/procMount", say("must be Default or unset"))


def _proc_mount_of_the_host(pod: _Pod) -> Iterator[Problem]:
    if not pod.has_user_namespace:
        yield from _proc_mount(pod)


def _seccomp(pod: _Pod) -> Iterator[Problem]:
    for context, place in pod.contexts:
        profile = context.get("seccompProfile")
        if profile is not None and profile.get("type") not in PROFILES:
            yield Problem(place + "/seccompProfile/type", one_of(sorted(PROFILES)))


def _some_seccomp(pod: _Pod) -> Iterator[Problem]:
    if pod.is_windows:
        return
    yield from _seccomp(pod)
    if pod.own.get("seccompProfile"):
        return
    for context, place in pod.container_contexts:
        if not context.get("seccompProfile"):
            yield Problem(place + "/seccompProfile/type", _SECCOMP)


def _sysctls(pod: _Pod) -> Iterator[Problem]:
    for index, sysctl in enumerate(pod.own.get("sysctls") or ()):
        if sysctl and sysctl.get("name") not in SYSCTLS:
            yield Problem(pod.at("securityContext", "sysctls", index, "name"), one_of(sorted(SYSCTLS)))


def _no_escalation(pod: _Pod) -> Iterator[Problem]:
    if pod.is_windows:
        return
    for context, place in pod.container_contexts:
        if context.get("allowPrivilegeEscalation") is not False:
            yield Problem(place + "/allowPrivilegeEscalation", _FALSE)


def _non_root(pod: _Pod) -> Iterator[Problem]:
    if pod.has_user_namespace:
        return
    whole = pod.own.get("runAsNonRoot")
    if whole is False:
        yield Problem(pod.at("securityContext", "runAsNonRoot"), _NON_ROOT)
    for context, place in pod.container_contexts:
        asked = context.get("runAsNonRoot")
        if asked is False or (asked is None and whole is None):
            yield Problem(place + "/runAsNonRoot", _NON_ROOT)


def _user(pod: _Pod) -> Iterator[Problem]:
    if pod.has_user_namespace:
        return
    for context, place in pod.contexts:
        if context.get("runAsUser") == 0:
            yield Problem(place + "/runAsUser", _NOT_ROOT)


_BOTH: tuple[Rule, ...] = (
    _windows_host_process,
    _host_namespaces,
    _privileged,
    _host_ports,
    _probe_hosts,
    _app_armor,
    _se_linux,
    _sysctls,
)
_RULES: Mapping[Level, tuple[Rule, ...]] = {
    "privileged": (),
    "baseline": (*_BOTH, _capabilities, _host_paths, _proc_mount_of_the_host, _seccomp),
    "restricted": (
        *_BOTH,
        _few_capabilities,
        _volumes,
        _proc_mount,
        _some_seccomp,
        _no_escalation,
        _non_root,
        _user,
    ),
}
