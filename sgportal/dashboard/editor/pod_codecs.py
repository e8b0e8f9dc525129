"""How a form's field writes what pods and containers have in lists: volumes, mounts, tolerations; and probes.

A line says all of an entry or nothing: an entry that fits no line is not shown, and stays as it is. What stood on a
line that was not touched stays as it was written.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from ...core.text import Sentence, say
from .codecs import Shape

Entry = dict[str, Any]
_VOLUMES = {
    "configMap": "name",
    "secret": "secretName",
    "persistentVolumeClaim": "claimName",
    "hostPath": "path",
}
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TOLERATION = re.compile(r"(\*|[^\s=:]+)(?:=([^\s:]*))?(?::(\w+))?(?: for (\d{1,9})s)?")
_TIMES = {
    "after": "initialDelaySeconds",
    "every": "periodSeconds",
    "timeout": "timeoutSeconds",
    "successes": "successThreshold",
    "failures": "failureThreshold",
}


def _shape(entry_of: Callable[[str], Entry], text_of: Callable[[Entry], str], wrong: Sentence) -> Shape:
    """Lines, each an entry of a list."""

    def line_of(entry: Any) -> str | None:
        return _exactly(entry, entry_of, text_of)

    def shown(value: Any) -> str:
        return "\n".join(filter(None, map(line_of, _list(value))))

    def parsed(text: str, old: Any) -> Any:
        before = {line: each for each in _list(old) if (line := line_of(each))}
        kept = [each for each in _list(old) if line_of(each) is None]
        lines = [" ".join(each.split()) for each in text.split("\n") if each.strip()]
        return [before.get(line) or entry_of(line) for line in lines] + kept or None

    return Shape(shown, parsed, wrong)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _exactly(entry: Any, entry_of: Callable[[str], Entry], text_of: Callable[[Entry], str]) -> str | None:
    """The text that says just what an entry says; None where there is none, or none that is one line: a browser takes
    the line ends out of a field."""
    try:
        text = text_of(dict(entry)) if isinstance(entry, Mapping) else ""
        return text if text.splitlines() == [text] and plainly(entry_of(text)) == plainly(entry) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def plainly(entry: Mapping[str, Any]) -> Entry:
    """An entry with what Kubernetes takes where something is left out, as far as lines leave it out."""
    every = {key: plainly(each) if isinstance(each, Mapping) else each for key, each in entry.items()}
    found = {key: each for key, each in every.items() if each not in (None, "", False)}
    return {key: each for key, each in found.items() if (key, each) not in (("operator", "Equal"), ("scheme", "HTTP"))}


def _volume(line: str) -> Entry:
    name, kind, *rest = line.split(" ")
    if kind == "emptyDir" and not rest:
        return {"name": name, "emptyDir": {}}
    (what,) = rest
    if kind not in _VOLUMES:
        raise ValueError(line)
    return {"name": name, kind: {_VOLUMES[kind]: what}}


def _volume_line(entry: Entry) -> str:
    (kind,) = entry.keys() - {"name"}
    return " ".join([entry["name"], kind, *([entry[kind][_VOLUMES[kind]]] if kind in _VOLUMES else [])])


def _mount(line: str) -> Entry:
    path, name, *rest = line.split(" ")
    if not path.startswith("/") or rest not in ([], ["ro"]):
        raise ValueError(line)
    return {"name": name, "mountPath": path, **({"readOnly": True} if rest else {})}


def _mount_line(entry: Entry) -> str:
    return " ".join([entry["mountPath"], entry["name"], *(["ro"] if entry.get("readOnly") else [])])


def _toleration(line: str) -> Entry:
    found = _TOLERATION.fullmatch(line)
    if found is None or (found[3] and found[3] not in _EFFECTS) or (found[1] == "*" and found[2] is not None):
        raise ValueError(line)
    key, value, effect, seconds = found.groups()
    entry: Entry = {} if key == "*" else {"key": key}
    entry |= {"operator": "Exists"} if value is None else {"operator": "Equal", "value": value}
    return entry | ({"effect": effect} if effect else {}) | ({"tolerationSeconds": int(seconds)} if seconds else {})


def _toleration_line(entry: Entry) -> str:
    text = str(entry.get("key") or "*")
    if entry.get("operator", "Equal") == "Equal":
        text += f"={entry.get('value', '')}"
    text += f":{entry['effect']}" if entry.get("effect") else ""
    return text + (f" for {entry['tolerationSeconds']}s" if "tolerationSeconds" in entry else "")


def _probe(text: str) -> Entry:
    how, _, rest = text.partition(" ")
    if how == "exec":
        return {"exec": {"command": shlex.split(rest) or _nothing(text)}}
    words = rest.split()
    begin = next((at for at, word in enumerate(words) if word in _TIMES), len(words))
    what, times = words[:begin], words[begin:]
    port = _port(what[0]) if what else _nothing(text)
    if how in ("http", "https") and len(what) <= 2:
        path = {"path": what[1]} if len(what) == 2 else {}
        action: Entry = {"httpGet": {**path, "port": port, **({"scheme": "HTTPS"} if how == "https" else {})}}
    elif how in ("tcp", "grpc") and len(what) == 1:
        action = {"tcpSocket" if how == "tcp" else "grpc": {"port": port}}
    else:
        raise ValueError(text)
    if len(times) % 2:
        raise ValueError(text)
    return action | {_TIMES[word]: int(number) for word, number in zip(times[::2], times[1::2], strict=True)}


def _nothing(text: str) -> Any:
    raise ValueError(text)


def _port(text: str) -> Any:
    return int(text) if text.isdecimal() else text


def _probe_text(entry: Entry) -> str:
    (how,) = entry.keys() - set(_TIMES.values())
    about = entry[how]
    if how == "exec":
        return f"exec {shlex.join(about['command'])}"
    words = {"tcpSocket": "tcp", "grpc": "grpc", "httpGet": "https" if about.get("scheme") == "HTTPS" else "http"}
    told = [words[how], str(about["port"]), *([about["path"]] if about.get("path") else [])]
    return " ".join([*told, *(f"{word} {entry[name]}" for word, name in _TIMES.items() if name in entry)])


def _shown_probe(value: Any) -> str:
    return _exactly(value, _read_probe, _probe_text) or ""


def _read_probe(text: str) -> Entry:
    try:
        return _probe(text)
    except KeyError:
        raise ValueError(text) from None


VOLUMES = _shape(
    _volume,
    _volume_line,
    say("enter volumes such as “config configMap shop” or “cache emptyDir”, not %(value)s"),
)
MOUNTS = _shape(_mount, _mount_line, say("enter mounts such as “/etc/shop config ro”, not %(value)s"))
TOLERATIONS = _shape(
    _toleration, _toleration_line, say("enter tolerations such as “dedicated=edge:NoSchedule”, not %(value)s")
)
PROBE = Shape(
    _shown_probe,
    lambda text, _: _read_probe(text) if text else None,
    say("enter a probe such as “http 8080 /healthz every 10 after 5”, “tcp 8080” or “exec cat /ready”, not %(value)s"),
)
