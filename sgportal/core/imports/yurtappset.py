"""OpenYurt's YurtAppSets (v1alpha1, v1beta1) and YurtAppDaemons, with the YurtAppOverriders for them, as grids."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ..plans.per_unit.layers import without_nulls
from ..selector import matches, requirements
from ..text import pointer, say
from .bundle import Bundle, carry_metadata, own_annotations
from .source import Source, look_up
from .workloads import PerUnit, cannot_run_twice

GROUP = "apps.openyurt.io"
KEY = f"{GROUP}/nodepool"
KINDS = ("YurtAppSet", "YurtAppDaemon")
_TEMPLATES = {"deploymentTemplate": "Deployment", "statefulSetTemplate": "StatefulSet"}


class App:
    """A YurtAppSet or YurtAppDaemon on its way to a grid."""

    def __init__(self, bundle: Bundle, source: Source, pools: Iterable[Source], overrider: Source | None) -> None:
        self.bundle = bundle
        self.source = source
        self.pools = {pool.name: pool for pool in pools}
        self.overrider = overrider
        self.is_newer = "workload" in source.spec  # v1beta1
        self.child_kind = ""
        self.units = PerUnit("Deployment", {}, ())
        self.at = ""  # of the template

    def make(self) -> None:
        """Make the grid, and account for every field."""
        template = self._template()
        names = self._chosen()
        self.units = PerUnit(self.child_kind, template, names)
        if self.is_newer:
            self._tweak()
        else:
            self._topology()
        self._override()
        if not names:
            text = say("it is for no NodePool that is named in it or in the input")
            self.source.note("blocked", "/spec", text, say("add the NodePools to the input"))
            return
        outer = self.source.document["metadata"].get("labels") or {}
        metadata = {
            "labels": {**outer, **(self._meta().get("labels") or {})},
            "annotations": own_annotations(self.source),
        }
        path = self.units.make(self.bundle, self.source, self.source.name, KEY, self.at + "/spec", metadata)
        if path:
            self._account(path, template)

    def _meta(self) -> Mapping[str, Any]:
        return look_up(self.source.document, self.at + "/metadata") or {}

    def _template(self) -> dict[str, Any]:
        """The spec of the workload, without what differs. Raises Invalid."""
        outer = "/spec/workload" if self.is_newer else "/spec"
        self.source.check({"workloadTemplate": "any"}, outer, ("workloadTemplate",))
        outer += "/workloadTemplate"
        self.source.check(dict.fromkeys(_TEMPLATES, "any"), outer)
        given = [name for name in _TEMPLATES if look_up(self.source.document, f"{outer}/{name}") is not None]
        if len(given) != 1:
            text = say("must have one of %(names)s", names=", ".join(_TEMPLATES))
            raise self.source.refuse(outer, text)
        self.at, self.child_kind = outer + pointer(given[0]), _TEMPLATES[given[0]]
        self.source.check({"metadata": "ObjectMeta", "spec": "any"}, self.at, ("spec",))
        self.source.check({}, self.at + "/spec")
        template: dict[str, Any] = without_nulls(look_up(self.source.document, self.at + "/spec"))
        selector = self.source.spec.get("selector")
        if not self.is_newer and selector is not None:
            self.source.check({"selector": "LabelSelector"})
            template = {**template, "selector": without_nulls(selector)}
        self.source.check_value(template, f"{self.child_kind}Spec", self.at + "/spec")
        return template

    def _chosen(self) -> list[str]:
        """The names of the pools that it is for."""
        spec = self.source.spec
        self.source.check({"pools": "[str]", "nodepoolSelector": "LabelSelector", "topology": "any"})
        names = list(spec.get("pools") or ()) if self.is_newer else []
        if not self.is_newer and spec.get("topology") is not None:
            self.source.check({"pools": "[any]"}, "/spec/topology")
            for index in range(len(spec["topology"].get("pools") or ())):
                at = "/spec/topology/pools" + pointer(index)
                fields = {"name": "str", "replicas": "int", "tolerations": "[Toleration]", "patch": "any"}
                self.source.check(fields, at, ("name",))
                names.append(spec["topology"]["pools"][index]["name"])
        names += self._selected(spec, "/spec")
        return list(dict.fromkeys(names))

    def _selected(self, holder: Mapping[str, Any], at: str) -> list[str]:
        """The pools of the input that the `nodepoolSelector` of an object takes."""
        selector = holder.get("nodepoolSelector")
        if selector is None:
            return []
        self.source.check_selector(at + "/nodepoolSelector")
        wanted = requirements(selector)
        found = [name for name, pool in self.pools.items() if matches(wanted, pool.labels)]
        self.source.note(
            "changed",
            at + "/nodepoolSelector",
            say("it selects %(pools)s of the input; no selector of pools is kept", pools=", ".join(found) or "–"),
            say("name pools that come later in the grid (placement, overrides)"),
        )
        return found

    def _tweak(self) -> None:
        """Lay the `workloadTweaks` over: OpenYurt takes replicas and images of all first, then the patches."""
        tweaks = self.source.spec["workload"].get("workloadTweaks")
        self.source.check({"workloadTweaks": "[any]"}, "/spec/workload")
        patches: list[tuple[list[str], str, Any]] = []
        for index, given in enumerate(tweaks or ()):
            tweak, at = given or {}, "/spec/workload/workloadTweaks" + pointer(index)
            self.source.check({"pools": "[str]", "nodepoolSelector": "LabelSelector", "tweaks": "any"}, at)
            fields = {"replicas": "int", "containerImages": "[any]", "patches": "[any]"}
            self.source.check(fields, at + "/tweaks")
            names = [*(tweak.get("pools") or ()), *self._selected(tweak, at)]
            self.source.carry(at + "/pools", "spec.overrides")
            found = tweak.get("tweaks") or {}
            self.units.replicas(names, found.get("replicas"), self.source, at + "/tweaks/replicas")
            for number in range(len(found.get("containerImages") or ())):
                here = at + "/tweaks" + pointer("containerImages", number)
                self.source.check({"name": "str", "targetImage": "str"}, here, ("name", "targetImage"))
                image = found["containerImages"][number]
                self.units.image(names, image["name"], image["targetImage"], self.source, here, ("name", "targetImage"))
            patches += [
                (names, at + "/tweaks" + pointer("patches", number), each)
                for number, each in enumerate(found.get("patches") or ())
            ]
        for names, at, patch in patches:
            self.units.json_patch(names, patch, self.source, at)

    def _topology(self) -> None:
        """What v1alpha1 says of each pool."""
        for index, pool in enumerate((self.source.spec.get("topology") or {}).get("pools") or ()):
            at, name = "/spec/topology/pools" + pointer(index), pool["name"]
            self.source.carry(at + "/name", "spec.placement")
            self.units.replicas([name], pool.get("replicas"), self.source, at + "/replicas")
            if pool.get("tolerations"):
                self.source.carry(at + "/tolerations", "spec.overrides")
                pod = (self.units.wanted[name].get("template") or {}).get("spec") or {}
                both = [*(pod.get("tolerations") or ()), *without_nulls(pool["tolerations"])]
                self.units.merge(name, {"template": {"spec": {"tolerations": both}}}, self.source, at + "/tolerations")
            self._node_selector(pool, at)
            self.source.check({}, at + "/patch")
            if pool.get("patch") is not None:
                self.source.carry(at + "/patch/spec", "spec.overrides")
                self.units.merge(name, pool["patch"].get("spec") or {}, self.source, at + "/patch/spec")

    def _node_selector(self, pool: Mapping[str, Any], at: str) -> None:
        term = pool.get("nodeSelectorTerm")
        usual = {"matchExpressions": [{"key": KEY, "operator": "In", "values": [pool["name"]]}]}
        if term is not None and without_nulls(term) == usual:
            self.source.note("note", at + "/nodeSelectorTerm", say("a grid keeps its pods in the NodeUnit of itself"))
        else:
            cure = say("choose other nodes by an override of this pool: patch.template.spec.affinity")
            self.source.lost(at + "/nodeSelectorTerm", cure)

    def _override(self) -> None:
        """Lay the entries of its YurtAppOverrider over."""
        source = self.overrider
        if source is None:
            return
        source.carry("/metadata/name", "spec.overrides")
        source.carry("/metadata/namespace", "spec.overrides")
        source.carry("/subject", "spec.overrides")
        source.check({"entries": "[any]"}, "")
        for index, given in enumerate(source.document.get("entries") or ()):
            entry, at = given or {}, "/entries" + pointer(index)
            source.check({"pools": "[str]", "items": "[any]", "patches": "[any]"}, at)
            source.carry(at + "/pools", "spec.overrides")
            names = self._meant(entry.get("pools") or ())
            for number in range(len(entry.get("items") or ())):
                here = at + pointer("items", number)
                source.check({"replicas": "int", "image": "any"}, here)
                item = entry["items"][number] or {}
                self.units.replicas(names, item.get("replicas"), source, here + "/replicas")
                if item.get("image") is not None:
                    source.check(
                        {"containerName": "str", "imageClaim": "str"}, here + "/image", ("containerName", "imageClaim")
                    )
                    image = item["image"]
                    fields = ("containerName", "imageClaim")
                    self.units.image(
                        names, image["containerName"], image["imageClaim"], source, here + "/image", fields
                    )
            for number, patch in enumerate(entry.get("patches") or ()):
                self.units.json_patch(names, patch, source, at + pointer("patches", number))

    def _meant(self, pools: Iterable[str]) -> list[str]:
        """`*` is all pools, `-name` is all but that."""
        listed = set(pools)
        return [name for name in self.units.wanted if f"-{name}" not in listed and listed & {name, "*"}]

    def _account(self, path: str, template: Mapping[str, Any]) -> None:
        """Account for what is left, and say what becomes of pods."""
        source = self.source
        carry_metadata(source, path, own_annotations(source))
        if self.is_newer:
            source.carry("/spec/pools", f"{path}#/spec/placement")
        else:
            source.carry("/spec/selector", f"{path}#/spec/template/selector")
        source.carry(self.at + "/metadata/labels", f"{path}#/metadata/labels")
        for field in self._meta().keys() - {"labels"}:
            cure = say("children have the labels of their grid, and no other metadata")
            source.lost(self.at + "/metadata" + pointer(field), cure)
        source.lost(
            "/spec/revisionHistoryLimit", say("the portal keeps revisions of its own for as long as it is set to")
        )
        name = f"{source.name}-<pool>-…"
        text = say(
            "there its workloads are called “%(name)s” and have a label of OpenYurt's in their selector, which cannot "
            "be changed: others are made beside them, and pods start anew",
            name=name,
        )
        kind = source.kind.lower()
        command = shlex.join(["kubectl", "--namespace", source.namespace, "delete", kind, source.name])
        cure = say(
            "apply, wait until the grid is Ready, then delete the %(kind)s: both run meanwhile", kind=source.kind
        )
        if cannot_run_twice(template):
            cure = say(
                "its pods would be in the way of one another (host ports or shared volumes): delete the %(kind)s first",
                kind=source.kind,
            )
        source.note("restarts", "/kind", text, cure, command)
        if self.child_kind == "StatefulSet" and template.get("volumeClaimTemplates"):
            at = self.at + "/spec/volumeClaimTemplates"
            text = say("the new pods have new names, and so new, empty volumes; the old volumes stay")
            source.note("restarts", at, text, say("copy the data before you delete the %(kind)s", kind=source.kind))
