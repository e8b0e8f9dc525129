"""What the API server refuses of a pod's spec, as far as it matters here; in the API server's own words."""

from collections.abc import Iterator

from ..objects.errors import cause, required
from ..objects.formats import is_port, one_of
from ..objects.quantities import parse
from ..objects.values import Object

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")  # in the order in which the API server looks at them
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def containers(spec: Object, where: str) -> Iterator[dict[str, str]]:
    """The causes for refusing the containers of a pod's spec that stands at `where`."""
    found = spec.get("containers") or []
    if not found:
        yield required(f"{where}.containers")
    names = set()
    for index, container in enumerate(found):
        place = f"{where}.containers[{index}]"
        for field in ("name", "image"):
            if not container.get(field):
                yield required(f"{place}.{field}")
        if container.get("name") in names:
            yield cause(f"{place}.name", f'Duplicate value: "{container["name"]}"', "FieldValueDuplicate")
        names.add(container.get("name"))
        yield from _container(container, spec, place)


def _container(container: Object, spec: Object, place: str) -> Iterator[dict[str, str]]:
    for number, port in enumerate(container.get("ports") or ()):
        if not is_port(port.get("containerPort")):
            words = "Invalid value: must be between 1 and 65535, inclusive"
            yield cause(f"{place}.ports[{number}].containerPort", words)
    volumes = {each.get("name") for each in spec.get("volumes") or ()}
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            words = f'Not found: "{mount.get("name")}"'
            yield cause(f"{place}.volumeMounts[{number}].name", words, "FieldValueNotFound")
    for name in _PROBES:
        used = [each for each in _HANDLERS if (container.get(name) or {}).get(each) is not None]
        for extra in used[1:]:
            words = "Forbidden: may not specify more than 1 handler type"
            yield cause(f"{place}.{name}.{extra}", words, "FieldValueForbidden")
    yield from one_of(container.get("imagePullPolicy") or None, f"{place}.imagePullPolicy", *_PULL_POLICIES)
    yield from _amounts(container.get("resources") or {}, f"{place}.resources")


def _amounts(resources: Object, place: str) -> Iterator[dict[str, str]]:
    limits = resources.get("limits") or {}
    for kind in ("limits", "requests"):
        for name, amount in (resources.get(kind) or {}).items():
            if parse(amount) < 0:
                words = f'Invalid value: "{amount}": must be greater than or equal to 0'
                yield cause(f"{place}.{kind}[{name}]", words)
    for name, amount in (resources.get("requests") or {}).items():
        if name in limits and parse(amount) > parse(limits[name]):
            words = f'Invalid value: "{amount}": must be less than or equal to {name} limit of {limits[name]}'
            yield cause(f"{place}.requests", words)


def restart_policy(spec: Object, where: str) -> Iterator[dict[str, str]]:
    """The cause for refusing a workload whose pods would not be started again."""
    yield from one_of(spec.get("restartPolicy") or None, f"{where}.restartPolicy", "Always")
