"""SuperEdge: grids as they are; NodeUnit and NodeGroup objects of `site.superedge.io` as labels of nodes.

There a NodeGroup `g` with the NodeUnit `u` has the nodes of `u` carry the label `g=u` (site-manager,
`UpdateNodeLabels`), which is what grids with `gridUniqKey: g` go by, there and here.
"""

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ..grids.kinds import API_VERSION, KINDS
from ..names import GROUP, as_label_value
from ..schema import wrong_type
from ..selector import matches, requirements
from ..text import Invalid, must_be, pointer, say
from .bundle import NODE, Bundle, carry_metadata, own_annotations
from .source import Source

SITE = f"site.{GROUP}"
_UNIT_FIELDS = {
    "type": "str",
    "unschedulable": "bool",
    "nodes": "[str]",
    "autonomyLevel": "str",
    "setNode": "any",
    "setnode": "any",
    "selector": "any",
}
_SELECTOR_FIELDS = {"matchLabels": "{str}", "matchExpressions": "[LabelSelectorRequirement]", "annotations": "{str}"}
_GROUP_FIELDS = {
    "nodeUnits": "[str]",
    "nodeunits": "[str]",
    "autoFindNodeKeys": "[str]",
    "autofindnodekeys": "[str]",
    "selector": "any",
}


def translate(bundle: Bundle) -> None:
    """Translate what of an input is SuperEdge's."""
    for source in bundle.of(GROUP, *KINDS):
        _grid(bundle, source)
    units = {source.name: source for source in bundle.of(SITE, "NodeUnit")}
    members = {name: _members(bundle, source) for name, source in units.items()}
    grouped = {name for source in bundle.of(SITE, "NodeGroup") for name in _group(bundle, source, units, members)}
    for name, source in units.items():
        if name in grouped:
            source.carry("/metadata/name", NODE)
        else:
            source.note(
                "lost",
                "/metadata/name",
                say("NodeUnit “%(name)s” is in no NodeGroup of the input, so there is no label key for it", name=name),
                say("add its NodeGroup to the input"),
            )


def _grid(bundle: Bundle, source: Source) -> None:
    if source.api_version != API_VERSION:
        raise source.refuse("/apiVersion", must_be(API_VERSION))
    if not isinstance(source.document.get("spec"), Mapping):
        raise Invalid(wrong_type(source.document.get("spec"), "an object", source.where + "/spec"))
    metadata = {"labels": source.labels, "annotations": own_annotations(source)}
    if path := bundle.grid(source, source.kind, source.name, metadata, source.spec, "/spec"):
        carry_metadata(source, path, own_annotations(source))
        source.carry("/spec", f"{path}#/spec")
        source.note(
            "note",
            "/kind",
            say("is the same here; in the cluster where it runs the portal takes its workloads over as they are"),
            say("do not import it there: take over on the page “Cluster”, which restarts no pod"),
        )


def _members(bundle: Bundle, source: Source) -> list[tuple[str, str]]:
    """The nodes of a NodeUnit, each with the pointer of the field by which it is in it."""
    source.check(_UNIT_FIELDS)
    found = [(name, "/spec/nodes" + pointer(index)) for index, name in enumerate(source.spec.get("nodes") or ())]
    for _, at in found:
        source.carry(at, NODE)
    if _selector(source):
        found += [(name, "/spec/selector") for name in bundle.selected(source.spec["selector"])]
        source.settled("/spec/selector")
    nodes = list(dict.fromkeys(name for name, _ in found))
    _set_node(bundle, source, nodes)
    _state(source, shlex.join(nodes))
    return found


def _selector(source: Source) -> bool:
    """Whether an object has a selector of labels; what else it has is lost."""
    selector = source.spec.get("selector")
    if selector is None:
        return False
    source.check(_SELECTOR_FIELDS, "/spec/selector")
    source.check_operators("/spec/selector")
    source.lost("/spec/selector/annotations", say("SuperEdge does not read it either; use labels"))
    return bool(selector.get("matchLabels") or selector.get("matchExpressions"))


def _set_node(bundle: Bundle, source: Source, nodes: Sequence[str]) -> None:
    for field in ("setNode", "setnode"):
        at = f"/spec/{field}"
        if source.spec.get(field) is None:
            continue
        source.check({"labels": "{str}", "annotations": "{str}", "taints": "any"}, at)
        for key, value in (source.spec[field].get("labels") or {}).items():
            here = at + pointer("labels", key)
            source.carry(here, NODE)
            for name in nodes:
                bundle.label(name, key, value, source, here)
        on = shlex.join(nodes)
        source.lost(f"{at}/annotations", say("annotate the nodes by hand"), f"kubectl annotate node {on} …")
        source.lost(f"{at}/taints", say("taint the nodes by hand"), f"kubectl taint node {on} …")


def _state(source: Source, on: str) -> None:
    """What else a NodeUnit says of its nodes, which are the words `on` of a shell."""
    spec = source.spec
    if spec.get("unschedulable"):
        cure = say("cordon its nodes, on the page “Nodes” or with kubectl")
        source.lost("/spec/unschedulable", cure, f"kubectl cordon {on}")
    elif "unschedulable" in spec:
        source.note("note", "/spec/unschedulable", say("is the default"))
    if "type" in spec:
        source.note("note", "/spec/type", say("is a word for people there, which decides nothing"))
    control_plane = say("a control plane of its own in a NodeUnit stays SuperEdge's; keep site-manager for that")
    if spec.get("autonomyLevel") == "L3":
        source.note("note", "/spec/autonomyLevel", say("is the default"))
    else:
        source.lost("/spec/autonomyLevel", control_plane)
    source.lost("/spec/unitCredentialConfigMapRef", control_plane)
    source.lost("/spec/unitClusterInfo", control_plane)
    source.lost("/spec/taints", say("taint the nodes by hand"), f"kubectl taint node {on} …")
    if source.labels:
        text = say("has served to select NodeUnits by label, which is settled with its NodeGroup")
        source.note("note", "/metadata/labels", text)


def _group(
    bundle: Bundle, source: Source, units: Mapping[str, Source], members: Mapping[str, list[tuple[str, str]]]
) -> Iterator[str]:
    """Label the nodes of a NodeGroup's units; the names of those of the input's NodeUnits that are in it."""
    source.check(_GROUP_FIELDS)
    source.carry("/metadata/name", NODE)
    chosen: dict[str, str] = {}
    for field in ("nodeUnits", "nodeunits"):
        for index, name in enumerate(source.spec.get(field) or ()):
            at = f"/spec/{field}" + pointer(index)
            if name in units:
                chosen.setdefault(name, at)
                source.carry(at, NODE)
            else:
                text = say("there is no NodeUnit “%(name)s” in the input", name=name[:100])
                source.note("lost", at, text, say("add it to the input"))
    if _selector(source):
        wanted = requirements(source.spec["selector"])
        found = [name for name, unit in units.items() if matches(wanted, unit.labels)]
        chosen = dict.fromkeys(found, "/spec/selector") | chosen
        source.note(
            "changed",
            "/spec/selector",
            say("it selects %(units)s of the input; no selector is kept", units=", ".join(found) or "–"),
            say("label the nodes of NodeUnits that come later"),
        )
    for name in chosen:
        for node, at in members[name]:
            bundle.join(source.name, as_label_value(name), [node], units[name], at)
    _found_by_keys(bundle, source)
    source.lost("/spec/workload", say("bind workloads by the gridUniqKey of their grids"))
    source.lost("/metadata/labels", say("a NodeGroup is a label key here, which has no labels"))
    yield from chosen


def _found_by_keys(bundle: Bundle, source: Source) -> None:
    """NodeUnits that site-manager makes of the values of labels: those of one node, joined, are the unit's name."""
    for field in ("autoFindNodeKeys", "autofindnodekeys"):
        keys = sorted(source.spec.get(field) or ())
        if not keys:
            continue
        source.note(
            "changed",
            f"/spec/{field}",
            say(
                "nodes that have %(keys)s now are labelled %(group)s=<values>; those that join later are not",
                keys=", ".join(keys),
                group=source.name,
            ),
            say("where there is one key, a grid may be bound to it directly: gridUniqKey: %(key)s", key=keys[0]),
        )
        for name, node in bundle.nodes.items():
            values = [node.labels.get(key) for key in keys]
            if all(values):
                bundle.join(source.name, _unit_name("-".join(map(str, values))), [name], source, f"/spec/{field}")


def _unit_name(name: str) -> str:
    """As site-manager names it (`filterString`)."""
    return hashlib.sha1(name.encode()).hexdigest() if "/" in name or len(name) >= 64 else name  # noqa: S324
