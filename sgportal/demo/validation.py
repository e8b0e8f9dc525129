"""What the API server refuses of built-in kinds, as far as it matters here; in the API server's own words."""

import re
from collections.abc import Iterator

from .errors import cause, required
from .formats import LABEL, LABEL_VALUE, SUBDOMAIN, is_port, label_values
from .selectors import selector_test
from .validation_network import endpoint_slice, service
from .values import Object

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
    if kind == "EndpointSlice":
        found += endpoint_slice(body, before)
    if kind == "Pod" and isinstance(spec, dict):
        found += _containers(spec, "spec")
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
    pattern, limit = {"Namespace": (LABEL, 63), "Service": (LABEL, 63)}.get(kind, (SUBDOMAIN, 253))
    if kind not in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") and (
        len(name) > limit or not pattern.fullmatch(name)
    ):
        yield cause("metadata.name", f'Invalid value: "{name}": a lowercase RFC 1123 name is required')
    for key in metadata.get("labels") or {}:
        yield from _key(key, "metadata.labels")
    yield from label_values(metadata.get("labels") or {}, "metadata.labels")
    for key in metadata.get("annotations") or {}:
        yield from _key(key.lower(), "metadata.annotations")
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


def _key(key: str, field: str) -> Iterator[dict[str, str]]:
    prefix, slash, name = key.rpartition("/")
    good = name and len(name) <= 63 and LABEL_VALUE.fullmatch(name)
    if not good or (slash and not (len(prefix) <= 253 and SUBDOMAIN.fullmatch(prefix))):
        yield cause(field, f'Invalid value: "{key}": name part must consist of alphanumeric characters')


def _workload(kind: str, spec: Object, before: Object | None) -> Iterator[dict[str, str]]:
    selector, template = spec.get("selector"), spec.get("template")
    if not selector:
        yield required("spec.selector")
    if not isinstance(template, dict):
        yield required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector and not selector_test(selector)(labels):
        yield cause(
            "spec.template.metadata.labels", f"Invalid value: {labels}: `selector` does not match template `labels`"
        )
    replicas = spec.get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        yield cause("spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")
    yield from _containers(template.get("spec") or {}, "spec.template.spec")
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


def _containers(spec: Object, where: str) -> Iterator[dict[str, str]]:
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{where}.containers")
    names = set()
    for index, container in enumerate(containers):
        place = f"{where}.containers[{index}]"
        for field in ("name", "image"):
            if not container.get(field):
                yield required(f"{place}.{field}")
        if container.get("name") in names:
            yield cause(f"{place}.name", f'Duplicate value: "{container["name"]}"', "FieldValueDuplicate")
        names.add(container.get("name"))
        for number, port in enumerate(container.get("ports") or ()):
            if not is_port(port.get("containerPort")):
                yield cause(
                    f"{place}.ports[{number}].containerPort", "Invalid value: must be between 1 and 65535, inclusive"
                )
