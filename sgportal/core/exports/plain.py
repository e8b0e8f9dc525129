"""A grid's child as a plain manifest, which goes on without the portal.

Applied to the cluster where the child runs, it changes nothing that makes a pod start anew: the label of the NodeUnit
stays on the pods and in the selector, which cannot be changed.
"""

import json
from collections.abc import Mapping
from typing import Any

from ..names import CLOSURE, GRIDS_OWN_KEYS, LAST_APPLIED, OWN_GROUP, SELECTOR
from ..text import Sentence, say

_KEPT = ("name", "namespace")


def plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a child: no owner, nothing that the cluster writes, none of our labels and annotations in its
    metadata. A Service whose endpoints were ours has its selector back."""
    metadata, spec = body["metadata"], dict(body["spec"])
    annotations = metadata.get("annotations") or {}
    if SELECTOR in annotations and "selector" not in spec:
        spec["selector"] = json.loads(annotations[SELECTOR])
    kept = {name: metadata[name] for name in _KEPT if metadata.get(name)}
    for field in ("labels", "annotations"):
        others = {key: value for key, value in (metadata.get(field) or {}).items() if not _is_ours(key)}
        if others:
            kept[field] = others
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": kept, "spec": spec}


def _is_ours(key: str) -> bool:
    return key in GRIDS_OWN_KEYS or key == LAST_APPLIED or key.partition("/")[0] == OWN_GROUP


def loses(body: Mapping[str, Any]) -> Sentence | None:
    """What a child does no longer do once the portal is gone, or None."""
    if CLOSURE in (body["metadata"].get("annotations") or {}):
        return say("its traffic is no longer kept within NodeUnits: its selector is back, and any pod may answer")
    return None
