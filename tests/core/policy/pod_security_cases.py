"""Pods that keep or break the Pod Security Standards, one rule each.

The cases are those of Kubernetes' own fixtures (k8s.io/pod-security-admission, test/testdata, v1.37), in our words.
Each is a change of a pod that keeps `restricted`: which level still takes it, and where the next one finds fault.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OWN = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
BASE: dict[str, Any] = {
    "metadata": {"name": "base"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "main", "image": "registry.example/pause", "securityContext": OWN}],
        "initContainers": [{"name": "first", "image": "registry.example/pause", "securityContext": OWN}],
    },
}
CONTEXT = "spec.securityContext"
MAIN, FIRST = "spec.containers.0", "spec.initContainers.0"
NAMED = {"port": 80, "host": "10.0.0.1"}
GET = {"httpGet": {"path": "/", **NAMED}}


@dataclass(frozen=True)
class Case:
    """`changes` sets values at dotted paths of BASE (None takes them away); `baseline` and `restricted` are the JSON
    pointers at which the level finds fault, none where it takes the pod."""

    name: str
    changes: Mapping[str, Any]
    baseline: tuple[str, ...] = ()
    restricted: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.name

    @property
    def pod(self) -> dict[str, Any]:
        """The pod."""
        return changed(self.changes)


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """BASE with these changes."""
    pod = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = pod
        for part in parents:
            place = place[int(part)] if part.isdecimal() else place.setdefault(part, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return pod


def both(name: str, changes: Mapping[str, Any], *pointers: str) -> Case:
    """A pod that both levels refuse, in the same places."""
    return Case(name, changes, pointers, pointers)


def strict(name: str, changes: Mapping[str, Any], *pointers: str) -> Case:
    """A pod that only `restricted` refuses."""
    return Case(name, changes, (), pointers)


def _security(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**OWN, **value}


def _volume(**source: Any) -> dict[str, Any]:
    return {"spec.volumes": [{"name": "data", **source}]}


FINE = (
    Case("base", {}),
    Case("privileged false", {MAIN + ".securityContext": _security({"privileged": False})}),
    Case("host ports 0", {MAIN + ".ports": [{"containerPort": 8080, "hostPort": 0}]}),
    Case("default proc mount", {MAIN + ".securityContext": _security({"procMount": "Default"})}),
    Case("a probe of the pod itself", {MAIN + ".livenessProbe": {"tcpSocket": {"port": 80}}}),
    Case("an empty probe host", {MAIN + ".livenessProbe": {"tcpSocket": {"port": 80, "host": ""}}}),
    Case("AppArmor's own default", {CONTEXT + ".appArmorProfile": {"type": "RuntimeDefault"}}),
    Case(
        "AppArmor of the node",
        {MAIN + ".securityContext": _security({"appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}})},
    ),
    Case("SELinux container type", {CONTEXT + ".seLinuxOptions": {"type": "container_t"}}),
    Case(
        "SELinux engine type",
        {MAIN + ".securityContext": _security({"seLinuxOptions": {"type": "container_engine_t"}})},
    ),
    Case("SELinux level", {CONTEXT + ".seLinuxOptions": {"level": "s0:c123,c456"}}),
    Case("no sysctls", {CONTEXT + ".sysctls": []}),
    Case(
        "safe sysctls",
        {
            CONTEXT + ".sysctls": [
                {"name": "kernel.shm_rmid_forced", "value": "0"},
                {"name": "net.ipv4.ip_unprivileged_port_start", "value": "1024"},
                {"name": "net.ipv4.tcp_notsent_lowat", "value": "4096"},
            ]
        },
    ),
    Case(
        "bind low ports",
        {MAIN + ".securityContext": _security({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})},
    ),
    Case(
        "non-root by container",
        {
            CONTEXT + ".runAsNonRoot": None,
            MAIN + ".securityContext": _security({"runAsNonRoot": True}),
            FIRST + ".securityContext": _security({"runAsNonRoot": True}),
        },
    ),
    Case("a user", {CONTEXT + ".runAsUser": 1000}),
    Case(
        "root in a user namespace",
        {"spec.hostUsers": False, CONTEXT + ".runAsUser": 0, CONTEXT + ".runAsNonRoot": None},
    ),
    Case(
        "seccomp by container",
        {
            CONTEXT + ".seccompProfile": None,
            MAIN + ".securityContext": _security({"seccompProfile": {"type": "RuntimeDefault"}}),
            FIRST + ".securityContext": _security(
                {"seccompProfile": {"type": "Localhost", "localhostProfile": "mine.json"}}
            ),
        },
    ),
    Case(
        "a Windows pod",
        {
            "spec.os": {"name": "windows"},
            CONTEXT + ".seccompProfile": None,
            MAIN + ".securityContext": None,
            FIRST + ".securityContext": None,
        },
    ),
    *(
        Case(f"volume {name}", _volume(**{name: source}))
        for name, source in (
            ("configMap", {"name": "a"}),
            ("csi", {"driver": "example.com"}),
            ("downwardAPI", {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}),
            ("emptyDir", {}),
            (
                "ephemeral",
                {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
                    }
                },
            ),
            ("persistentVolumeClaim", {"claimName": "a"}),
            ("projected", {"sources": [{"configMap": {"name": "a"}}]}),
            ("secret", {"secretName": "a"}),
        )
    ),
)

NET_RAW = {"capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]}}
CHOWN = {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}
FIRST_CONTEXT, MAIN_CONTEXT = "/spec/initContainers/0/securityContext", "/spec/containers/0/securityContext"
WINDOWS_HOST = {"windowsOptions": {"hostProcess": True}}

REFUSED = (
    both("host network", {"spec.hostNetwork": True}, "/spec/hostNetwork"),
    both("host PIDs", {"spec.hostPID": True}, "/spec/hostPID"),
    both("host IPC", {"spec.hostIPC": True}, "/spec/hostIPC"),
    Case(
        "privileged",
        {MAIN + ".securityContext": {"privileged": True, "capabilities": {"drop": ["ALL"]}}},
        (MAIN_CONTEXT + "/privileged",),
        (MAIN_CONTEXT + "/privileged", MAIN_CONTEXT + "/allowPrivilegeEscalation"),
    ),
    Case(
        "a privileged init container",
        {FIRST + ".securityContext": {"privileged": True, "capabilities": {"drop": ["ALL"]}}},
        (FIRST_CONTEXT + "/privileged",),
        (FIRST_CONTEXT + "/privileged", FIRST_CONTEXT + "/allowPrivilegeEscalation"),
    ),
    both(
        "a Windows pod that is the host",
        {
            "spec.os": {"name": "windows"},
            "spec.hostNetwork": True,
            CONTEXT: {**WINDOWS_HOST, "runAsNonRoot": True},
            MAIN + ".securityContext": None,
            FIRST + ".securityContext": WINDOWS_HOST,
        },
        "/spec/securityContext/windowsOptions/hostProcess",
        FIRST_CONTEXT + "/windowsOptions/hostProcess",
        "/spec/hostNetwork",
    ),
    both("a capability beyond", {MAIN + ".securityContext": _security(NET_RAW)}, MAIN_CONTEXT + "/capabilities/add/0"),
    both(
        "one of an init container",
        {FIRST + ".securityContext": _security(NET_RAW)},
        FIRST_CONTEXT + "/capabilities/add/0",
    ),
    strict("a default capability", {MAIN + ".securityContext": _security(CHOWN)}, MAIN_CONTEXT + "/capabilities/add/0"),
    strict(
        "not all capabilities dropped",
        {MAIN + ".securityContext": _security({"capabilities": {"drop": ["CHOWN"]}})},
        MAIN_CONTEXT + "/capabilities/drop",
    ),
    strict(
        "no word on capabilities",
        {FIRST + ".securityContext": {"allowPrivilegeEscalation": False}},
        FIRST_CONTEXT + "/capabilities/drop",
    ),
    both("a folder of the node", _volume(hostPath={"path": "/"}), "/spec/volumes/0/hostPath"),
    *(
        strict(f"volume {name}", _volume(**{name: source}), f"/spec/volumes/0/{name}")
        for name, source in (
            ("nfs", {"server": "a", "path": "/"}),
            ("iscsi", {"targetPortal": "1.2.3.4:3260", "iqn": "iqn.2001-04.com.example:a", "lun": 0}),
            ("rbd", {"monitors": ["a"], "image": "b"}),
            ("cephfs", {"monitors": ["a"]}),
            ("fc", {"targetWWNs": ["50060e801049cfd1"], "lun": 0}),
            ("flexVolume", {"driver": "example.com/a"}),
            ("awsElasticBlockStore", {"volumeID": "a"}),
            ("gcePersistentDisk", {"pdName": "a"}),
            ("azureFile", {"secretName": "a", "shareName": "b"}),
            ("vsphereVolume", {"volumePath": "a"}),
            ("portworxVolume", {"volumeID": "a"}),
            ("cinder", {"volumeID": "a"}),
        )
    ),
    both(
        "a port of the node",
        {MAIN + ".ports": [{"containerPort": 80}, {"containerPort": 12346, "hostPort": 12346}]},
        "/spec/containers/0/ports/1/hostPort",
    ),
    both(
        "one of an init container's",
        {FIRST + ".ports": [{"containerPort": 12347, "hostPort": 12347}]},
        "/spec/initContainers/0/ports/0/hostPort",
    ),
    *(
        both(f"{name} elsewhere", {f"{MAIN}.{name}": handler}, f"/spec/containers/0/{name}/{action}/host")
        for name in ("livenessProbe", "readinessProbe", "startupProbe")
        for action, handler in (("httpGet", GET), ("tcpSocket", {"tcpSocket": NAMED}))
    ),
    *(
        both(
            f"{name} elsewhere", {f"{MAIN}.lifecycle": {name: GET}}, f"/spec/containers/0/lifecycle/{name}/httpGet/host"
        )
        for name in ("postStart", "preStop")
    ),
    both(
        "no AppArmor",
        {MAIN + ".securityContext": _security({"appArmorProfile": {"type": "Unconfined"}})},
        MAIN_CONTEXT + "/appArmorProfile/type",
    ),
    both(
        "no AppArmor for the pod",
        {CONTEXT + ".appArmorProfile": {"type": "Unconfined"}},
        "/spec/securityContext/appArmorProfile/type",
    ),
    both(
        "SELinux super privileged",
        {CONTEXT + ".seLinuxOptions": {"type": "spc_t"}},
        "/spec/securityContext/seLinuxOptions/type",
    ),
    both(
        "a SELinux type of one's own",
        {MAIN + ".securityContext": _security({"seLinuxOptions": {"type": "mine"}})},
        MAIN_CONTEXT + "/seLinuxOptions/type",
    ),
    both(
        "a SELinux user",
        {CONTEXT + ".seLinuxOptions": {"user": "system_u"}},
        "/spec/securityContext/seLinuxOptions/user",
    ),
    both(
        "a SELinux role",
        {CONTEXT + ".seLinuxOptions": {"role": "object_r"}},
        "/spec/securityContext/seLinuxOptions/role",
    ),
    both(
        "unmasked /proc",
        {MAIN + ".securityContext": _security({"procMount": "Unmasked"}), "spec.hostUsers": True},
        MAIN_CONTEXT + "/procMount",
    ),
    strict(
        "unmasked /proc in a user namespace",
        {FIRST + ".securityContext": _security({"procMount": "Unmasked"}), "spec.hostUsers": False},
        FIRST_CONTEXT + "/procMount",
    ),
    both(
        "no seccomp for the pod",
        {CONTEXT + ".seccompProfile": {"type": "Unconfined"}},
        "/spec/securityContext/seccompProfile/type",
    ),
    both(
        "no seccomp",
        {FIRST + ".securityContext": _security({"seccompProfile": {"type": "Unconfined"}})},
        FIRST_CONTEXT + "/seccompProfile/type",
    ),
    strict(
        "no word on seccomp",
        {CONTEXT + ".seccompProfile": None},
        FIRST_CONTEXT + "/seccompProfile/type",
        MAIN_CONTEXT + "/seccompProfile/type",
    ),
    strict(
        "seccomp for one container only",
        {
            CONTEXT + ".seccompProfile": None,
            MAIN + ".securityContext": _security({"seccompProfile": {"type": "RuntimeDefault"}}),
        },
        FIRST_CONTEXT + "/seccompProfile/type",
    ),
    both(
        "an unsafe sysctl",
        {
            CONTEXT + ".sysctls": [
                {"name": "net.ipv4.tcp_syncookies", "value": "1"},
                {"name": "kernel.msgmax", "value": "65536"},
            ]
        },
        "/spec/securityContext/sysctls/1/name",
    ),
    strict(
        "may gain privileges",
        {MAIN + ".securityContext": _security({"allowPrivilegeEscalation": True})},
        MAIN_CONTEXT + "/allowPrivilegeEscalation",
    ),
    strict(
        "no word on gaining privileges",
        {FIRST + ".securityContext": {"capabilities": {"drop": ["ALL"]}}},
        FIRST_CONTEXT + "/allowPrivilegeEscalation",
    ),
    strict(
        "no word on root",
        {CONTEXT + ".runAsNonRoot": None},
        FIRST_CONTEXT + "/runAsNonRoot",
        MAIN_CONTEXT + "/runAsNonRoot",
    ),
    strict("may be root", {CONTEXT + ".runAsNonRoot": False}, "/spec/securityContext/runAsNonRoot"),
    strict(
        "one container may be root",
        {MAIN + ".securityContext": _security({"runAsNonRoot": False})},
        MAIN_CONTEXT + "/runAsNonRoot",
    ),
    strict("is root", {CONTEXT + ".runAsUser": 0}, "/spec/securityContext/runAsUser"),
    strict(
        "one container is root", {FIRST + ".securityContext": _security({"runAsUser": 0})}, FIRST_CONTEXT + "/runAsUser"
    ),
)
CASES = (*FINE, *REFUSED)
