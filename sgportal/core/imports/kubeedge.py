"""KubeEdge: NodeGroups as NodeUnits of the key `apps.kubeedge.io/belonging-to`, which their nodes carry there, too;
EdgeApplications as grids with overrides, one for each Deployment and Service in them.

There a Deployment `web` is `web-<group>` in each group, and its nodeSelector is the group's alone
(`overridemanager`, `NameOverrider` and `NodeSelectorOverrider`): what a DeploymentGrid `web` makes, too.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ..names import GRID_SELECTOR
from ..plans.per_unit.layers import without_nulls
from ..text import one_of, pointer, say
from .bundle import NODE, Bundle, carry_metadata
from .images import COMPONENTS, OPERATORS, changed
from .services import keep_to_units
from .source import Source
from .workloads import OVERRIDES, PerUnit, containers, with_containers

GROUP = "apps.kubeedge.io"
KEY = f"{GROUP}/belonging-to"
_PREDICATE = "/spec/template/spec/containers/"


def translate(bundle: Bundle) -> None:
    """Translate what of an input is KubeEdge's."""
    for source in bundle.of(GROUP, "NodeGroup"):
        _group(bundle, source)
    for source in bundle.of(GROUP, "EdgeApplication"):
        _application(bundle, source)


def _group(bundle: Bundle, source: Source) -> None:
    """Label the nodes of a NodeGroup."""
    source.check({"nodes": "[str]", "matchLabels": "{str}"})
    source.carry("/metadata/name", NODE)
    has = [name for name, node in bundle.nodes.items() if node.labels.get(KEY) == source.name]
    bundle.join(KEY, source.name, has, source, "/metadata/name")
    for index, name in enumerate(source.spec.get("nodes") or ()):
        at = "/spec/nodes" + pointer(index)
        source.carry(at, NODE)
        bundle.join(KEY, source.name, [name], source, at)
    if source.spec.get("matchLabels"):
        found = bundle.selected({"matchLabels": source.spec["matchLabels"]})
        bundle.join(KEY, source.name, found, source, "/spec/matchLabels")
        source.settled("/spec/matchLabels")
    source.note(
        "changed",
        "/kind",
        say("KubeEdge takes the label off again when the NodeGroup is deleted while its controller runs"),
        say("stop kubeedge-controller-manager before you delete NodeGroups"),
    )
    source.lost("/metadata/labels", say("a NodeUnit is a label of nodes here, which has no labels of its own"))


def _application(bundle: Bundle, source: Source) -> None:
    source.check({"workloadTemplate": "any", "workloadScope": "any"}, required=("workloadTemplate", "workloadScope"))
    source.check({"manifests": "[any]"}, "/spec/workloadTemplate")
    source.check({"targetNodeGroups": "[any]", "targetNodeLabels": "any"}, "/spec/workloadScope")
    targets = source.spec["workloadScope"].get("targetNodeGroups") or []
    for index in range(len(targets)):
        at = "/spec/workloadScope/targetNodeGroups" + pointer(index)
        source.check({"name": "str", "overriders": "any"}, at, ("name",))
        source.carry(at + "/name", "spec.placement")
    cure = say("make a NodeGroup of these nodes, and name it in targetNodeGroups")
    source.lost("/spec/workloadScope/targetNodeLabels", cure)
    source.note("note", "/metadata/name", say("grids are called as the manifests in it"))
    if source.document["metadata"].get("namespace"):
        source.carry("/metadata/namespace", "metadata.namespace")
    source.lost("/metadata/labels", say("grids have the labels of the manifests in it"))
    source.lost("/metadata/annotations", say("grids have the annotations of the manifests in it"))
    for index, manifest in enumerate(source.spec["workloadTemplate"].get("manifests") or ()):
        at = "/spec/workloadTemplate/manifests" + pointer(index)
        source.check(
            {"apiVersion": "str", "kind": "str", "metadata": "ObjectMeta"}, at, ("apiVersion", "kind", "metadata")
        )
        source.check({"name": "str"}, at + "/metadata", ("name",))
        if (manifest["apiVersion"], manifest["kind"]) == ("apps/v1", "Deployment"):
            _deployment(bundle, source, manifest, at, targets)
        elif (manifest["apiVersion"], manifest["kind"]) == ("v1", "Service"):
            keep_to_units(bundle, source, manifest, at, KEY)
        else:
            source.not_imported(at, manifest["kind"], manifest["apiVersion"])


def _deployment(
    bundle: Bundle, source: Source, manifest: Mapping[str, Any], at: str, targets: Sequence[Mapping[str, Any]]
) -> None:
    source.check({"spec": "DeploymentSpec"}, at, ("spec",))
    template = without_nulls(manifest["spec"])
    pod = template["template"].get("spec") or {}
    if pod.get("nodeSelector"):
        text = say(
            "KubeEdge puts the label of the group in its place, so it has no effect there either, and is left out"
        )
        source.note("note", at + "/spec/template/spec/nodeSelector", text)
        pod = {name: each for name, each in pod.items() if name != "nodeSelector"}
        template = {**template, "template": {**template["template"], "spec": pod}}
    if not targets:
        text = say("it is for no NodeGroup")
        source.note("blocked", at + "/spec", text, say("name one in targetNodeGroups"))
        return
    units = PerUnit("Deployment", template, [each["name"] for each in targets])
    for index, target in enumerate(targets):
        _Overriders(
            units, source, target, "/spec/workloadScope/targetNodeGroups" + pointer(index, "overriders")
        ).lay_over()
    name = manifest["metadata"]["name"]
    path = units.make(bundle, source, name, KEY, at + "/spec", {"labels": manifest["metadata"].get("labels")})
    if path is None:
        return
    carry_metadata(source, path, (), at)
    source.lost(at + "/metadata/annotations", say("children have the labels of their grid, and no annotations"))
    _handing_over(source, name, [each["name"] for each in targets], at)


def _handing_over(source: Source, name: str, groups: Sequence[str], at: str) -> None:
    """How the Deployments that run become the grid's, without a pod that restarts."""
    here = shlex.join(["kubectl", "--namespace", source.namespace])
    names = shlex.join(f"{name}-{group}" for group in groups)
    source.note(
        "changed",
        at + "/kind",
        say(
            "its Deployments have the names that the grid's have: until they are handed over, each NodeUnit says "
            "NameConflict, and nothing is written"
        ),
        say(
            "stop kubeedge-controller-manager, then delete the EdgeApplication without its Deployments and mark these "
            "for the grid: no pod restarts"
        ),
        f"{here} delete edgeapplication {shlex.quote(source.name)} --cascade=orphan && "
        f"{here} label deployment {names} {shlex.quote(f'{GRID_SELECTOR}={name}')}",
    )


class _Overriders:
    """The `overriders` of a target group, at a pointer."""

    def __init__(self, units: PerUnit, source: Source, target: Mapping[str, Any], at: str) -> None:
        self.units, self.source, self.at = units, source, at
        self.unit = target["name"]
        self.given = target.get("overriders") or {}

    def lay_over(self) -> None:
        """Lay all of them over, in KubeEdge's order."""
        lists = dict.fromkeys(
            ("imageOverriders", "envOverriders", "commandOverriders", "argsOverriders", "resourcesOverriders"), "[any]"
        )
        self.source.check({"replicas": "int", **lists}, self.at)
        self.units.replicas([self.unit], self.given.get("replicas"), self.source, self.at + "/replicas")
        for index in range(len(self.given.get("imageOverriders") or ())):
            self._image(index)
        for index in range(len(self.given.get("envOverriders") or ())):
            each, at = self._entry("envOverriders", index, "[EnvVar]", OPERATORS)
            self._in_container(each, at, lambda box, each=each: {**box, "env": _env(box.get("env") or [], each)})
        for field in ("command", "args"):
            for index in range(len(self.given.get(f"{field}Overriders") or ())):
                each, at = self._entry(f"{field}Overriders", index, "[str]", ("add", "remove"))
                self._in_container(
                    each, at, lambda box, each=each, field=field: {**box, field: _words(box.get(field) or [], each)}
                )
        for index in range(len(self.given.get("resourcesOverriders") or ())):
            each, at = self._entry("resourcesOverriders", index, "ResourceRequirements", ())
            value = without_nulls(each.get("value") or {})
            self._in_container(each, at, lambda box, value=value: {**box, "resources": value})

    def _entry(self, name: str, index: int, value: str, operators: Sequence[str]) -> tuple[Mapping[str, Any], str]:
        """An entry of one of the lists, whose types are right, and its pointer."""
        at = self.at + pointer(name, index)
        fields = {"containerName": "str", "value": value, **({"operator": "str"} if operators else {})}
        self.source.check(fields, at, tuple(each for each in fields if each != "value"))
        entry = self.given[name][index]
        if operators and entry["operator"] not in operators:
            raise self.source.refuse(at + "/operator", one_of(operators))
        for field in fields:
            self.source.carry(f"{at}/{field}", OVERRIDES)
        return entry, at

    def _in_container(self, entry: Mapping[str, Any], at: str, change: Any) -> None:
        spec, name = self.units.wanted[self.unit], entry["containerName"]
        boxes = containers(spec)
        if not any(each["name"] == name for each in boxes):
            text = say("the template has no container “%(name)s”", name=name[:100])
            self.source.note("lost", at, text, say("name one that it has"))
            return
        made = [without_nulls(change(each)) if each["name"] == name else each for each in boxes]
        self.units.wanted[self.unit] = with_containers(spec, made)

    def _image(self, index: int) -> None:
        at = self.at + pointer("imageOverriders", index)
        fields = {"component": "str", "operator": "str", "value": "str", "predicate": "any"}
        self.source.check(fields, at, ("component", "operator"))
        entry = self.given["imageOverriders"][index]
        for field, known in (("component", COMPONENTS), ("operator", OPERATORS)):
            if entry[field] not in known:
                raise self.source.refuse(f"{at}/{field}", one_of(known))
            self.source.carry(f"{at}/{field}", OVERRIDES)
        self.source.carry(at + "/value", OVERRIDES)
        spec = self.units.wanted[self.unit]
        boxes = containers(spec)
        meant = range(len(boxes))
        if entry.get("predicate") is not None:
            self.source.check({"path": "str"}, at + "/predicate", ("path",))
            self.source.carry(at + "/predicate/path", OVERRIDES)
            path = entry["predicate"]["path"]
            number = path.removeprefix(_PREDICATE).removesuffix("/image")
            if path != f"{_PREDICATE}{number}/image" or not number.isdecimal() or int(number) not in meant:
                text = say("“%(path)s” is no image of the template", path=path[:200])
                self.source.note("lost", at, text, say("name one that it has"))
                return
            meant = range(int(number), int(number) + 1)
        what = entry["component"], entry["operator"], entry.get("value") or ""
        made = [
            {**each, "image": changed(each.get("image") or "", *what)} if number in meant else each
            for number, each in enumerate(boxes)
        ]
        self.units.wanted[self.unit] = with_containers(spec, made)


def _env(before: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> list[Any]:
    """Variables as KubeEdge changes them; one that is added twice counts as the last does."""
    named = {each["name"]: each for each in entry.get("value") or ()}
    if entry["operator"] == "remove":
        return [each for each in before if each["name"] not in named]
    there = {each["name"] for each in before}
    kept = [named.get(each["name"], each) for each in before]
    return [*kept, *(each for name, each in named.items() if name not in there)]


def _words(before: Sequence[str], entry: Mapping[str, Any]) -> list[str]:
    values = entry.get("value") or []
    return [*before, *values] if entry["operator"] == "add" else [each for each in before if each not in values]
