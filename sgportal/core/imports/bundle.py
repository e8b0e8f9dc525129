"""What the objects of one input come to together: which nodes form which NodeUnits, the labels for that, the grids."""

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ..grids.grid import parse
from ..grids.kinds import API_VERSION, KINDS
from ..names import LAST_APPLIED, label_key_problem, label_value_problem, protected_label_problem
from ..selector import matches, requirements
from ..text import Invalid, Problem, pointer, say
from ..units import NodeView
from .report import Translation
from .source import Source, look_up

NODE = "nodes"  # in the place of a manifest's path: where labels of nodes went


class Bundle:
    """The objects of an input, and what is known of the cluster's nodes."""

    def __init__(self, sources: Iterable[Source], nodes: Iterable[NodeView]) -> None:
        self.sources = tuple(sources)
        self.nodes = {node.name: node for node in nodes}
        self._labels: dict[str, dict[str, tuple[str, str]]] = {}
        self._members: dict[str, dict[str, set[str]]] = {}
        self._manifests: dict[str, dict[str, Any]] = {}
        self._origins: dict[str, tuple[str, str]] = {}

    def of(self, group: str, *kinds: str) -> tuple[Source, ...]:
        """The objects of these kinds of an API group."""
        return tuple(each for each in self.sources if each.group == group and each.kind in kinds)

    def selected(self, selector: Mapping[str, Any]) -> list[str]:
        """The nodes that a valid label selector takes now; one that asks for nothing takes none."""
        wanted = requirements(selector)
        return sorted(name for name, node in self.nodes.items() if wanted and matches(wanted, node.labels))

    def join(self, key: str, unit: str, names: Iterable[str], source: Source, at: str) -> None:
        """Have nodes be in a NodeUnit; `at` is the pointer of the field that says so."""
        members = self._members.setdefault(key, {}).setdefault(unit, set())
        for name in names:
            if self.label(name, key, unit, source, at):
                members.add(name)

    def label(self, name: str, key: str, value: str, source: Source, at: str) -> bool:
        """Have a node carry a label; whether it can."""
        node = self.nodes.get(name)
        by_hand = shlex.join(["kubectl", "label", "node", name, f"{key}={value}"])
        if problem := label_key_problem(key) or label_value_problem(value):
            source.note("blocked", at, problem)
        elif node is None:
            text = say("there is no node “%(name)s” in the cluster", name=name[:100])
            source.note("lost", at, text, say("label it once it has joined"), by_hand)
        elif problem := protected_label_problem(key):
            if node.labels.get(key) == value:
                return True
            source.note("lost", at, problem, say("set it by hand"), by_hand)
        else:
            return self._want(node, key, value, source, at)
        return False

    def _want(self, node: NodeView, key: str, value: str, source: Source, at: str) -> bool:
        wanted = self._labels.setdefault(node.name, {})
        other, place = wanted.get(key, (value, ""))
        if other != value:
            text = say(
                "node “%(node)s” is to have the label %(key)s=%(value)s, and another value by %(place)s: a node is in "
                "one NodeUnit of a key",
                node=node.name,
                key=key,
                value=value,
                place=place,
            )
            source.note("blocked", at, text, say("take it out of one of them"))
            return False
        has = node.labels.get(key)
        if has and has != value:
            text = say(
                "node “%(node)s” has the label %(key)s=%(has)s now, which becomes %(value)s",
                node=node.name,
                key=key,
                has=has,
                value=value,
            )
            source.note("changed", at, text, say("pods that are bound to the old value are not moved by that"))
        wanted[key] = (value, source.where + at)
        return True

    def grid(
        self, source: Source, kind: str, name: str, metadata: Mapping[str, Any], spec: Mapping[str, Any], at: str
    ) -> str | None:
        """Make a grid of what is at a pointer; its path, or None where it cannot be, which is said of the source."""
        shown = {each: metadata[each] for each in ("labels", "annotations") if metadata.get(each)}
        manifest = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": source.namespace, **shown},
            "spec": dict(spec),
        }
        path = f"{KINDS[kind].plural}/{source.namespace}/{name}"
        if path in self._manifests:
            source.note("blocked", at, say("two objects would become “%(path)s”", path=path), say("rename one of them"))
            return None
        try:
            parse(manifest)
        except Invalid as invalid:
            for each in invalid.problems:
                source.note("blocked", at, _would_be(path, each))
            return None
        self._origins[path] = ("/spec" if source.spec is spec else "/spec/template", source.where + at)
        self._manifests[path] = json.loads(json.dumps(manifest))  # nothing in it is shared, which YAML would show
        return path

    def translation(self) -> Translation:
        """All of it."""
        labels = {
            name: {key: value for key, (value, _) in wanted.items() if self.nodes[name].labels.get(key) != value}
            for name, wanted in self._labels.items()
        }
        members = {
            key: {unit: tuple(sorted(names)) for unit, names in sorted(units.items())}
            for key, units in sorted(self._members.items())
        }
        return Translation(
            tuple(self._manifests.values()),
            {name: each for name, each in sorted(labels.items()) if each},
            members,
            tuple(source.report() for source in self.sources),
            dict(self._origins),
        )


def own_annotations(source: Source) -> dict[str, str]:
    """The annotations that people wrote."""
    found = source.document["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if key != LAST_APPLIED}


def carry_metadata(source: Source, path: str, annotations: Iterable[str], at: str = "") -> None:
    """Account for what its grid has of the metadata, and these annotations, of an object, or of a manifest that stands
    in it at a pointer. A grid is in the namespace of the object; another one of the manifest is not carried over."""
    is_its_own = look_up(source.document, at + "/metadata/namespace") in (None, source.namespace)
    fields = ["/name", *["/namespace"] * is_its_own, "/labels", *("/annotations" + pointer(key) for key in annotations)]
    for field in fields:
        source.carry(f"{at}/metadata{field}", f"{path}#/metadata{field}")
    if at:
        source.carry(at + "/apiVersion", f"{path}#/kind")
        source.carry(at + "/kind", f"{path}#/kind")


def _would_be(path: str, problem: Problem) -> Any:
    return say(
        "“%(path)s” would not be valid: %(field)s %(why)s", path=path, field=problem.pointer, why=problem.sentence
    )
