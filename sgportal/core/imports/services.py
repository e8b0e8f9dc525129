"""Services that others keep within a pool or group of nodes, as ServiceGrids."""

from collections.abc import Collection, Mapping
from typing import Any

from ..names import LAST_APPLIED, SERVICE_SUFFIX
from ..plans.per_unit.layers import without_nulls
from ..text import pointer, say
from .bundle import Bundle, carry_metadata
from .source import Source

_CLUSTERS = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")


def keep_to_units(
    bundle: Bundle, source: Source, service: Mapping[str, Any], at: str, key: str, said: Collection[str] = ()
) -> None:
    """Make a ServiceGrid of a Service that stands at a pointer of an object. `said` are annotations that are accounted
    for."""
    if at:
        source.check({"metadata": "ObjectMeta", "spec": "any"}, at, ("metadata", "spec"))
    source.check({}, at + "/spec")
    name = str(service["metadata"].get("name") or "")
    spec = without_nulls(service.get("spec") or {})
    spec = {field: each for field, each in spec.items() if field not in _CLUSTERS or each == "None"}
    source.check_value(spec, "ServiceSpec", at + "/spec")
    grid = name.removesuffix(SERVICE_SUFFIX)
    metadata = service["metadata"]
    annotations = metadata.get("annotations") or {}
    own = {each: text for each, text in annotations.items() if each not in (*said, LAST_APPLIED)}
    made = {"labels": metadata.get("labels") or {}, "annotations": own}
    path = bundle.grid(source, "ServiceGrid", grid, made, {"gridUniqKey": key, "template": spec}, at + "/spec")
    if path is None:
        return
    carry_metadata(source, path, own, at)
    for field in service.get("spec") or {}:
        if field in spec:
            source.carry(f"{at}/spec{pointer(field)}", f"{path}#/spec/template{pointer(field)}")
        elif field in _CLUSTERS:
            source.made_anew(f"{at}/spec{pointer(field)}")
    if name != grid + SERVICE_SUFFIX:
        text = say(
            "the Service of a ServiceGrid is called “%(name)s”, and has another address", name=grid + SERVICE_SUFFIX
        )
        cure = say("have clients call it so, or keep the old name as an ExternalName Service for it")
        source.note("changed", at + "/metadata/name", text, cure)
