"""What the API server fills in: the defaults of Kubernetes' v1 and apps/v1 types that a reader may notice."""

import base64
from typing import Any

from ..objects.values import Object, copy
from .batch import job_defaults

_FIRST_STATUS: dict[str, Object] = {
    "Deployment": {},
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "DaemonSet": {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    },
    "Pod": {"phase": "Pending"},
    "Service": {"loadBalancer": {}},
    "ResourceQuota": {},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Pending"},
    "Job": {},
    "PodDisruptionBudget": dict.fromkeys(("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0),
    "CronJob": {},
    "Ingress": {"loadBalancer": {}},
    "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
}
_TOP: dict[str, Object] = {
    "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
}
_CPU = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}


def set_defaults(kind: str, body: Object) -> None:
    """Fill in the defaults of a built-in kind, in place."""
    if kind == "Namespace":
        _namespace(body)
    if kind in _FIRST_STATUS:
        body.setdefault("status", copy(_FIRST_STATUS[kind]))
    if kind == "Secret":
        _secret(body)
    if kind == "EndpointSlice":
        _endpoint_slice(body)
    _fill(body, **copy(_TOP.get(kind, {})))
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    if kind == "Job":
        job_defaults(spec, body["metadata"], _template)
    filler = {
        "Deployment": _deployment,
        "StatefulSet": _stateful_set,
        "ReplicaSet": _replica_set,
        "ReplicationController": _replication_controller,
        "DaemonSet": _daemon_set,
        "Pod": _pod,
        "Service": _service,
        "CronJob": _cron_job,
        "HorizontalPodAutoscaler": _autoscaler,
        "NetworkPolicy": _network_policy,
        "PersistentVolume": _volume,
        "LimitRange": _limit_range,
    }.get(kind)
    if filler:
        filler(spec)


def _namespace(body: Object) -> None:
    labels = body["metadata"]["labels"] = dict(body["metadata"].get("labels") or {})
    labels["kubernetes.io/metadata.name"] = body["metadata"]["name"]
    if not body.get("spec"):
        body["spec"] = {"finalizers": ["kubernetes"]}
    if not body.get("status"):
        body["status"] = {"phase": "Active"}


def _secret(body: Object) -> None:
    plain = body.pop("stringData", None) or {}
    if plain:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}
    body.setdefault("type", "Opaque")


def _endpoint_slice(body: Object) -> None:
    body.setdefault("endpoints", None)  # as protobuf, by way of which it is stored, has an empty list
    for endpoint in body["endpoints"] or ():
        _fill(endpoint, conditions={})
    for port in body.get("ports") or ():
        _fill(port, name="", protocol="TCP")


def _fill(target: Object, **values: Any) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def _template(spec: Object) -> None:
    template = spec.get("template")
    if isinstance(template, dict):
        metadata = template.setdefault("metadata", {})
        if metadata and metadata.get("creationTimestamp", "") is None:
            del metadata["creationTimestamp"]
        if isinstance(template.get("spec"), dict):
            _pod(template["spec"])


def _deployment(spec: Object) -> None:
    _fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec["strategy"] = spec.get("strategy") or {}
    _fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        _fill(strategy["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
    _template(spec)


def _replica_set(spec: Object) -> None:
    _fill(spec, replicas=1)
    _template(spec)


def _replication_controller(spec: Object) -> None:
    labels = (((spec.get("template") or {}).get("metadata")) or {}).get("labels")
    _fill(spec, **({"selector": dict(labels)} if labels else {}))
    _replica_set(spec)


def _daemon_set(spec: Object) -> None:
    _fill(spec, revisionHistoryLimit=10, updateStrategy={"type": "RollingUpdate"})
    _template(spec)


def _stateful_set(spec: Object) -> None:
    _fill(
        spec,
        replicas=1,
        podManagementPolicy="OrderedReady",
        revisionHistoryLimit=10,
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
    )
    for claim in spec.get("volumeClaimTemplates") or ():
        _fill(claim, apiVersion="v1", kind="PersistentVolumeClaim", status={"phase": "Pending"})
        _fill(claim.setdefault("spec", {}), volumeMode="Filesystem")
    _template(spec)


def _cron_job(spec: Object) -> None:
    _fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    job = (spec.get("jobTemplate") or {}).get("spec")
    if isinstance(job, dict):
        _template(job)


def _autoscaler(spec: Object) -> None:
    _fill(spec, minReplicas=1, metrics=[{"type": "Resource", "resource": copy(_CPU)}])


def _network_policy(spec: Object) -> None:
    _fill(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        for port in rule.get("ports") or ():
            _fill(port, protocol="TCP")


def _volume(spec: Object) -> None:
    _fill(spec, persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")


def _limit_range(spec: Object) -> None:
    for limit in spec.get("limits") or ():
        if limit.get("type") == "Container":
            bounds = {name: limit.get(name) or {} for name in ("max", "min", "default", "defaultRequest")}
            default = {**bounds["max"], **bounds["default"]}
            request = {**bounds["min"], **default, **bounds["defaultRequest"]}
            limit |= {name: each for name, each in (("default", default), ("defaultRequest", request)) if each}


def _pod(spec: Object) -> None:
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    for name in ("initContainers", "containers"):
        for container in spec.get(name) or ():
            if isinstance(container, dict):
                _container(container)


def _container(container: Object) -> None:
    image = str(container.get("image") or "")
    latest = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    _fill(
        container,
        imagePullPolicy="Always" if latest else "IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    for port in container.get("ports") or ():
        _fill(port, protocol="TCP")
    for each in container.get("env") or ():
        if isinstance(each.get("valueFrom"), dict) and isinstance(each["valueFrom"].get("fieldRef"), dict):
            _fill(each["valueFrom"]["fieldRef"], apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(name), dict):
            probe = container[name]
            _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if isinstance(probe.get("httpGet"), dict):
                _fill(probe["httpGet"], path="/", scheme="HTTP")


def _service(spec: Object) -> None:
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] == "ExternalName":
        return
    _fill(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack", internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _fill(spec, allocateLoadBalancerNodePorts=True)
    if spec["sessionAffinity"] == "ClientIP":
        _fill(spec, sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}})
    for port in spec.get("ports") or ():
        _fill(port, protocol="TCP", targetPort=port.get("port"))
