"""What the API server refuses of built-in kinds, as far as it matters here; in the API server's own words."""

import re
from collections.abc import Iterator

import orjson

from ..objects.errors import cause, required
from ..objects.formats import LABEL, NO_LABEL, NO_SUBDOMAIN, SUBDOMAIN, label_values, qualified_name
from ..objects.selectors import selector_test
from ..objects.values import Object
from .batch import cron_problems, job_problems
from .validation_network import endpoint_slice, service
from .validation_pods import containers, restart_policy

_PERCENT = re.compile(r"[0-9]+%")
LARGEST = 1024 * 1024  # bytes
STANDARD_FINALIZERS = ("foregroundDeletion", "kubernetes", "orphan")
_WORKLOADS = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}


def problems(kind: str, body: Object, before: Object | None) -> list[dict[str, str]]:
    """The causes for refusing an object; `before` is what it was, None on create."""
    found = [*_metadata(kind, body["metadata"]), *_finalizers(body["metadata"], (before or {}).get("metadata"))]
    if kind in (*_WORKLOADS, "Pod", "Service") and not body.get("spec"):
        found.append(required("spec"))
    spec = body.get("spec")
    if kind in _WORKLOADS and isinstance(spec, dict):
        found += _workload(kind, spec, (before or {}).get("spec"))
    if kind == "Service" and isinstance(spec, dict):
        found += service(spec, (before or {}).get("spec"))
    if kind == "Job" and isinstance(spec, dict):
        found += [
            *containers((spec.get("template") or {}).get("spec") or {}, "spec.template.spec"),
            *job_problems(spec),
        ]
    if kind == "CronJob" and isinstance(spec, dict):
        found += cron_problems(spec)
    if kind == "EndpointSlice":
        found += endpoint_slice(body, before)
    if kind == "Pod" and isinstance(spec, dict):
        found += containers(spec, "spec")
    if kind == "Lease" and (spec or {}).get("leaseDurationSeconds", 1) <= 0:
        found.append(cause("spec.leaseDurationSeconds", "Invalid value: 0: must be greater than 0"))
    if kind == "Event" and body["metadata"].get("namespace") != _event_place(body):
        words = f'Invalid value: "{_event_place(body)}": does not match event.namespace'
        found.append(cause("involvedObject.namespace", words))
    if kind in ("ConfigMap", "Secret"):
        found += _size(body)
    return found


def _metadata(kind: str, metadata: Object) -> Iterator[dict[str, str]]:
    name = metadata.get("name", "")
    pattern, limit, words = (
        (LABEL, 63, NO_LABEL) if kind in ("Namespace", "Service") else (SUBDOMAIN, 253, NO_SUBDOMAIN)
    )
    if kind not in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
        if len(name) > limit:
            yield cause("metadata.name", f'Invalid value: "{name}": must be no more than {limit} bytes')
        if not pattern.fullmatch(name):
            yield cause("metadata.name", f'Invalid value: "{name}": {words}')
    for key in metadata.get("labels") or {}:
        yield from qualified_name(key, "metadata.labels")
    yield from label_values(metadata.get("labels") or {}, "metadata.labels")
    for key in metadata.get("annotations") or {}:
        yield from qualified_name(key.lower(), "metadata.annotations")
    for number, reference in enumerate(metadata.get("ownerReferences") or ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not reference.get(field):
                place = f"metadata.ownerReferences[{number}].{field}"
                yield cause(place, "Required value: must not be empty", "FieldValueRequired")
    if sum(bool(ref.get("controller")) for ref in metadata.get("ownerReferences") or ()) > 1:
        yield cause("metadata.ownerReferences", "Invalid value: Only one reference can have Controller set to true")


def _event_place(body: Object) -> str:
    """Where an Event about an object has to be; those about what is in no namespace are in `default`."""
    return (body.get("involvedObject") or {}).get("namespace") or "default"


def _finalizers(metadata: Object, before: Object | None) -> Iterator[dict[str, str]]:
    """Finalizers have qualified names, and while an object goes none is added."""
    finalizers = metadata.get("finalizers") or []
    for index, name in enumerate(finalizers):
        if "/" not in name and name not in STANDARD_FINALIZERS:
            wrong = f'Invalid value: "{name}": name is neither a standard finalizer name nor is it fully qualified'
            yield cause(f"metadata.finalizers[{index}]", wrong)
    added = set(finalizers) - set((before or {}).get("finalizers") or ())
    if before and before.get("deletionTimestamp") and added:
        words = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
        yield cause("metadata.finalizers", f"{words}{sorted(added)}", "FieldValueForbidden")


def _size(body: Object) -> Iterator[dict[str, str]]:
    """ConfigMaps and Secrets hold a MiB at most."""
    held = sum(len(value) for name in ("data", "binaryData") for value in (body.get(name) or {}).values())
    if held > LARGEST:
        yield cause("[]", f"Too long: may not be more than {LARGEST} bytes", "FieldValueTooLong")


def _workload(kind: str, spec: Object, before: Object | None) -> Iterator[dict[str, str]]:
    selector, template = spec.get("selector"), spec.get("template")
    if not selector:
        yield required("spec.selector")
    if not isinstance(template, dict):
        yield required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    yield from _chosen(selector, labels)
    replicas = spec.get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        yield cause("spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")
    yield from containers(template.get("spec") or {}, "spec.template.spec")
    yield from restart_policy(template.get("spec") or {}, "spec.template.spec")
    yield from _limits(spec)
    if before:
        frozen = (
            ("selector",)
            if kind != "StatefulSet"
            else ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
        )
        for name in frozen:
            if spec.get(name) != before.get(name):
                yield cause(f"spec.{name}", "Invalid value: field is immutable")


def _chosen(selector: Object | None, labels: dict[str, str]) -> Iterator[dict[str, str]]:
    """The faults of a selector of a workload, and of its template's labels."""
    wrong = list(label_values((selector or {}).get("matchLabels") or {}, "spec.selector.matchLabels"))
    if wrong:
        told = orjson.dumps(selector).decode()
        yield from (*wrong, cause("spec.selector", f"Invalid value: {told}: invalid label selector"))
        return
    yield from label_values(labels, "spec.template.labels")
    if selector and not selector_test(selector)(labels):
        words = f"Invalid value: {orjson.dumps(labels).decode()}: `selector` does not match template `labels`"
        yield cause("spec.template.metadata.labels", words)


def _limits(spec: Object) -> Iterator[dict[str, str]]:
    """The surge and the shortage that a rollout may make: whole numbers or percentages, not both nothing."""
    limits = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    for name, value in limits.items():
        if isinstance(value, str) and not _PERCENT.fullmatch(value):
            yield cause(
                f"spec.strategy.rollingUpdate.{name}",
                f'Invalid value: "{value}": a valid percent string must be a numeric string followed by an ending %',
            )
    if limits and all(str(limits.get(name, 0)).rstrip("%") == "0" for name in ("maxSurge", "maxUnavailable")):
        yield cause("spec.strategy.rollingUpdate.maxUnavailable", "Invalid value: may not be 0 when `maxSurge` is 0")
