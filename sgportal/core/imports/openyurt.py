"""OpenYurt: NodePools as NodeUnits of the key `apps.openyurt.io/nodepool`, which their nodes carry there, too;
YurtAppSets and YurtAppDaemons, with their YurtAppOverriders, as grids with overrides; Services that keep to a pool."""

import shlex
from collections.abc import Mapping

from ..text import pointer, say
from .bundle import NODE, Bundle
from .services import keep_to_units
from .source import Source
from .yurtappset import GROUP, KEY, KINDS, App

DESIRED = f"{GROUP}/desired-nodepool"  # of nodes, before OpenYurt 1.4
TOPOLOGY = "openyurt.io/topologyKeys"  # of Services
_POOL_TOPOLOGIES = ("openyurt.io/nodepool", "kubernetes.io/zone")  # both are the NodePool (yurthub, servicetopology)
_POOL_FIELDS = {
    "type": "str",
    "labels": "{str}",
    "annotations": "{str}",
    "taints": "any",
    "selector": "LabelSelector",
    "hostNetwork": "bool",
}


def translate(bundle: Bundle) -> None:
    """Translate what of an input is OpenYurt's."""
    pools = bundle.of(GROUP, "NodePool")
    for source in pools:
        _pool(bundle, source)
    apps = {(source.kind, source.namespace, source.name): source for source in bundle.of(GROUP, *KINDS)}
    overriders: dict[tuple[str, str, str], Source] = {}
    for source in bundle.of(GROUP, "YurtAppOverrider"):
        _subject(source, apps, overriders)
    for mark, source in apps.items():
        App(bundle, source, pools, overriders.get(mark)).make()
    for source in bundle.of("", "Service"):
        _service(bundle, source)


def _pool(bundle: Bundle, source: Source) -> None:
    """Label the nodes of a NodePool."""
    source.check(_POOL_FIELDS)
    spec, unit = source.spec, source.name
    source.carry("/metadata/name", NODE)
    names = {name for name, node in bundle.nodes.items() if unit in (node.labels.get(KEY), node.labels.get(DESIRED))}
    bundle.join(KEY, unit, sorted(names), source, "/metadata/name")
    selector = spec.get("selector")
    if selector is not None:
        source.check_selector("/spec/selector")
        found = bundle.selected(selector)
        names |= set(found)
        bundle.join(KEY, unit, found, source, "/spec/selector")
        source.settled("/spec/selector")
    source.check({"nodes": "[str]"}, "/status")
    seen = (source.document.get("status") or {}).get("nodes") or ()
    if seen:
        source.carry("/status/nodes", NODE)
        bundle.join(KEY, unit, seen, source, "/status/nodes")
        names |= set(seen)
    for key, value in (spec.get("labels") or {}).items():
        at = "/spec/labels" + pointer(key)
        source.carry(at, NODE)
        for name in sorted(names):
            bundle.label(name, key, value, source, at)
    _lost_of_pool(source, shlex.join(sorted(names)))


def _lost_of_pool(source: Source, nodes: str) -> None:
    for field in (name for name in source.document.get("status") or {} if name != "nodes"):
        source.made_anew("/status" + pointer(field))
    if "type" in source.spec:
        source.note("note", "/spec/type", say("is a word for people there, which decides nothing"))
    source.lost("/spec/annotations", say("annotate the nodes by hand"), f"kubectl annotate node {nodes} …")
    source.lost("/spec/taints", say("taint the nodes by hand"), f"kubectl taint node {nodes} …")
    if source.labels:
        text = say("has served to select NodePools by label, which is settled with what selects them")
        source.note("note", "/metadata/labels", text)
    hub = say("it tells OpenYurt's own components what to do on the nodes; keep them, or do without")
    for field in source.spec:
        if field not in _POOL_FIELDS or field == "hostNetwork":
            source.lost("/spec" + pointer(field), hub)


def _subject(
    source: Source, apps: Mapping[tuple[str, str, str], Source], overriders: dict[tuple[str, str, str], Source]
) -> None:
    """Find the application that a YurtAppOverrider is for."""
    source.check({"kind": "str", "name": "str", "apiVersion": "str"}, "/subject", ("kind", "name"))
    subject = source.document["subject"]
    mark = (subject["kind"], source.namespace, subject["name"])
    if mark not in apps:
        text = say(
            "there is no %(kind)s “%(name)s” of its namespace in the input", kind=mark[0][:60], name=mark[2][:100]
        )
        source.note("blocked", "/subject", text, say("add it to the input"))
    elif mark in overriders:
        text = say("%(kind)s “%(name)s” has another YurtAppOverrider already", kind=mark[0], name=mark[2])
        source.note("blocked", "/subject", text, say("put the entries of both into one"))
    else:
        overriders[mark] = source


def _service(bundle: Bundle, source: Source) -> None:
    """A Service that keeps to NodePools."""
    annotations = source.document["metadata"].get("annotations") or {}
    asked = annotations.get(TOPOLOGY)
    at = "/metadata/annotations" + pointer(TOPOLOGY)
    if asked is None:
        source.not_imported("", source.kind, source.api_version)
    elif asked in _POOL_TOPOLOGIES:
        source.note("note", at, say("a ServiceGrid keeps traffic within NodeUnits of itself"))
        keep_to_units(bundle, source, source.document, "", KEY, (TOPOLOGY,))
    else:
        text = say("traffic is kept within NodeUnits here, not within what “%(asked)s” says", asked=asked[:100])
        source.by_kubectl("", text)
