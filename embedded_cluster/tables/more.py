"""The columns of more built-in kinds: pods, batch, rights, budgets, scaling, storage, Ingresses."""

from typing import Any

from ..objects.values import Object, controller_of
from .columns import NONE, WORKLOAD, Cells, age, age_of, columns, containers_of, named, pairs, selector_of, since
from .pods import pod


def _conditions(body: Object) -> set[str]:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return {each["type"] for each in conditions if each["status"] == "True"}


def _job(body: Object) -> list[Any]:
    spec, status = body["spec"], body.get("status") or {}
    there = _conditions(body)
    word = next((each for each in ("Complete", "Failed") if each in there), "")
    going = "Terminating" if body["metadata"].get("deletionTimestamp") else ""
    later = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    word = word or going or next((each for each in later if each in there), "Running")
    side_by_side = spec.get("parallelism") or 0
    wanted = spec.get("completions") or (f"1 of {side_by_side}" if side_by_side > 1 else 1)
    took = since(status["startTime"], status.get("completionTime")) if status.get("startTime") else ""
    told = [word, f"{status.get('succeeded', 0)}/{wanted}", took, age_of(body)]
    return [*told, *containers_of(spec), selector_of(spec)]


def _cron_job(body: Object) -> list[Any]:
    spec, status = body["spec"], body.get("status") or {}
    last = age(status["lastScheduleTime"]) if status.get("lastScheduleTime") else NONE
    told = [spec["schedule"], spec.get("timeZone", NONE), str(bool(spec.get("suspend")))]
    job = spec["jobTemplate"]["spec"]
    return [*told, len(status.get("active") or ()), last, age_of(body), *containers_of(job), selector_of(job)]


def _more(values: list[str], number: int, most: int) -> str:
    more = f" + {number - most} more..." if number > most else ""
    return ",".join(values[:most]) + more


def _endpoints(body: Object) -> list[Any]:
    found = []
    for subset in body.get("subsets") or ():
        addresses = [each["ip"] for each in subset.get("addresses") or ()]
        ports = [f":{each['port']}" for each in subset.get("ports") or ()] or [""]
        found += [address + port for port in ports for address in addresses]
    return [_more(found, len(found), 3) if body.get("subsets") else NONE, age_of(body)]


def _ingress(body: Object) -> list[Any]:
    spec = body.get("spec") or {}
    rules = spec.get("rules") or []
    hosts = [each["host"] for each in rules[:3] if each.get("host")]
    places = ((body.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    address = ",".join(each.get("ip") or each.get("hostname", "") for each in places)
    shown = _more(hosts, len(rules), 3) if hosts else "*"
    return [spec.get("ingressClassName", NONE), shown, address, "80, 443" if spec.get("tls") else "80", age_of(body)]


def _ingress_class(body: Object) -> list[Any]:
    spec = body.get("spec") or {}
    about = spec.get("parameters")
    group = f".{about['apiGroup']}" if about and about.get("apiGroup") else ""
    return [spec.get("controller", ""), f"{about['kind']}{group}/{about['name']}" if about else NONE, age_of(body)]


def _metric(metric: Object) -> str:
    """What is wanted of a metric; what there is nobody knows here."""
    kind = metric["type"]
    about = metric.get(kind[:1].lower() + kind[1:]) or {}
    target = about.get("target") or {}
    of = f"{about.get('name')}: " if kind in ("Resource", "ContainerResource") else ""
    if "averageValue" in target:
        return f"{of}<unknown>/{target['averageValue']}{' (avg)' if kind in ('External', 'Object') else ''}"
    wanted = f"{target['averageUtilization']}%" if "averageUtilization" in target else target.get("value", "<auto>")
    return f"{of}<unknown>/{wanted}"


def _autoscaler(body: Object) -> list[Any]:
    spec, status = body["spec"], body.get("status") or {}
    about, metrics = spec["scaleTargetRef"], [_metric(each) for each in spec.get("metrics") or ()]
    if (wanted_cpu := spec.get("targetCPUUtilizationPercentage")) is not None:  # of version 1
        metrics.append(f"cpu: <unknown>/{wanted_cpu}%")
    more = f" + {len(metrics) - 2} more..." if len(metrics) > 2 else ""
    wanted = ", ".join(metrics[:2]) + more or NONE
    least = str(spec.get("minReplicas", "<unset>"))
    told = [f"{about['kind']}/{about['name']}", wanted, least, spec["maxReplicas"], status.get("currentReplicas", 0)]
    return [*told, age_of(body)]


def _network_policy(body: Object) -> list[Any]:
    chosen = ((body.get("spec") or {}).get("podSelector") or {}).get("matchLabels")
    return [pairs(chosen), age_of(body)]


def _volume(body: Object) -> list[Any]:
    spec, status, claim = body["spec"], body.get("status") or {}, body["spec"].get("claimRef") or {}
    phase = "Terminating" if body["metadata"].get("deletionTimestamp") else status.get("phase", "")
    size, policy = (spec.get("capacity") or {}).get("storage", "0"), spec.get("persistentVolumeReclaimPolicy", "")
    held = f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""
    told = [size, modes(spec.get("accessModes")), policy, phase, held, spec.get("storageClassName", "")]
    more = spec.get("volumeAttributesClassName", "<unset>"), status.get("reason", "")
    return [*told, *more, age_of(body), spec.get("volumeMode", "<unset>")]


def _storage_class(body: Object) -> list[Any]:
    told = [body["provisioner"], body.get("reclaimPolicy"), body.get("volumeBindingMode")]
    return [*told, str(bool(body.get("allowVolumeExpansion"))).lower(), age_of(body)]


def _priority(body: Object) -> list[Any]:
    return [body["value"], bool(body.get("globalDefault")), age_of(body), body.get("preemptionPolicy", "")]


def _scale(body: Object) -> list[Any]:
    return [(body[part] or {}).get("replicas", 0) for part in ("spec", "status")] + [age_of(body)]


def _claim(body: Object) -> list[Any]:
    spec, status = body["spec"], body.get("status") or {}
    held = modes(status.get("accessModes"))
    storage = (status.get("capacity") or {}).get("storage", "")
    told = [status.get("phase", ""), spec.get("volumeName", ""), storage, held, spec.get("storageClassName", "")]
    return [*told, "<unset>", age_of(body), spec.get("volumeMode", "<unset>")]


def _budget(body: Object) -> list[Any]:
    spec, allowed = body.get("spec") or {}, (body.get("status") or {}).get("disruptionsAllowed", 0)
    return [str(spec.get("minAvailable", "N/A")), str(spec.get("maxUnavailable", "N/A")), allowed, age_of(body)]


def _revision(body: Object) -> list[Any]:
    owner = controller_of(body)
    group = owner["apiVersion"].rpartition("/")[0] if owner else ""
    named = f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}" if owner else NONE
    return [named, body.get("revision"), age_of(body)]


def _binding(body: Object) -> list[Any]:
    role, subjects = body["roleRef"], body.get("subjects") or ()
    users, groups = (", ".join(each["name"] for each in subjects if each["kind"] == kind) for kind in ("User", "Group"))
    accounts = ", ".join(
        f"{each.get('namespace', '')}/{each['name']}" for each in subjects if each["kind"] == "ServiceAccount"
    )
    return [f"{role['kind']}/{role['name']}", age_of(body), users, groups, accounts]


def modes(names: list[str] | None) -> str:
    """Access modes of a volume in their short form."""
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    return ",".join(short.get(each, each) for each in names or ())


_CRON_JOB = ("Schedule", "Timezone", "Suspend", "Active#", "Last Schedule", "Age")
_AUTOSCALER = ("Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age")
_STORAGE = ("Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age")
_VOLUME = ("Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass")
_BINDING = (columns("Role", "Age", wide=("Users", "Groups", "ServiceAccounts")), named(_binding))
_PLAINEST = (columns("Created At@"), named(lambda body: [body["metadata"].get("creationTimestamp")]))
_CLAIM = ("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age")
_BUDGET = ("Min Available", "Max Unavailable", "Allowed Disruptions#", "Age")
_PRIORITY = ("Value#", "Global-Default?", "Age", "PreemptionPolicy")
MORE: dict[str, tuple[list[Object], Cells]] = {
    "Pod": (
        columns("Ready", "Status", "Restarts", "Age", wide=("IP", "Node", "Nominated Node", "Readiness Gates")),
        named(pod),
    ),
    "Scale": (columns("Desired#", "Available#", "Age"), named(_scale)),
    "Job": (columns("Status", "Completions", "Duration", "Age", wide=WORKLOAD), named(_job)),
    "CronJob": (columns(*_CRON_JOB, wide=WORKLOAD), named(_cron_job)),
    "Endpoints": (columns("Endpoints", "Age"), named(_endpoints)),
    "Ingress": (columns("Class", "Hosts", "Address", "Ports", "Age"), named(_ingress)),
    "IngressClass": (columns("Controller", "Parameters", "Age"), named(_ingress_class)),
    "HorizontalPodAutoscaler": (columns(*_AUTOSCALER), named(_autoscaler)),
    "NetworkPolicy": (columns("Pod-Selector", "Age"), named(_network_policy)),
    "PersistentVolume": (columns(*_VOLUME, "Reason", "Age", wide=("VolumeMode",)), named(_volume)),
    "StorageClass": (columns(*_STORAGE), named(_storage_class)),
    "PriorityClass": (columns(*_PRIORITY), named(_priority)),
    "PersistentVolumeClaim": (columns(*_CLAIM, wide=("VolumeMode",)), named(_claim)),
    "PodDisruptionBudget": (columns(*_BUDGET), named(_budget)),
    "ControllerRevision": (columns("Controller", "Revision", "Age"), named(_revision)),
    **dict.fromkeys(("Role", "ClusterRole", "LimitRange"), _PLAINEST),
    **dict.fromkeys(("RoleBinding", "ClusterRoleBinding"), _BINDING),
}
