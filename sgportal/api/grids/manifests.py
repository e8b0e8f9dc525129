"""The manifests of stored grids and packages, as they are answered."""

import hashlib
from typing import Any

import orjson

from ...core.text import say
from ...models import Grid, ServiceGroup
from ...queries.freshness import Freshness
from ...queries.status import whole_status
from ..http.language import localise
from ..http.shapes import instant
from .serializers import GridRowSerializer

_NO_STATUS: dict[str, Any] = {"observedGeneration": 0, "conditions": [], "states": {}, "units": []}
UNREACHABLE = say("the cluster is unreachable; the change is stored and applied when the cluster is reachable again")


def grid(row: Grid, fresh: Freshness, whole: bool = False) -> dict[str, Any]:
    """A grid's manifest with its status, with all units of a large one where the `whole` is wanted; while the cluster
    cannot be reached a condition says so."""
    manifest = row.manifest()
    status = {**_NO_STATUS, **(whole_status(row) if whole else manifest["status"])}
    if fresh.unreachable_since:
        unreachable = {
            "type": "Reachable",
            "status": "False",
            "reason": "ClusterUnreachable",
            "message": localise(UNREACHABLE),
            "lastTransitionTime": instant(fresh.unreachable_since),
        }
        status["conditions"] = [*status["conditions"], unreachable]
    return {**manifest, "status": status}


def service_group(row: ServiceGroup) -> dict[str, Any]:
    """A package's manifest with its status, and the state of each of its grids."""
    return {**row.manifest(), "status": {**row.status, "grids": GridRowSerializer.each_of(row.grids.all())}}


def etag(row: Grid, manifest: dict[str, Any], media_type: str) -> str:
    """The strong entity tag of a representation: the intent's tag, and a digest of all that is shown."""
    shown = orjson.dumps([manifest, media_type])
    digest = hashlib.sha256(shown).hexdigest()[:12]
    return f'"{row.etag.strip(chr(34))}-{digest}"'
