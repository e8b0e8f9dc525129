"""Parts that several bodies have, as JSON Schema (the dialect of OpenAPI 3.1)."""

from ...core.fleet.halt import REASONS
from ...core.grids.kinds import API_VERSION, KINDS
from ...core.health import STATES
from ..description.json_schema import (
    COUNT,
    FLAG,
    LABELS,
    OBJECT,
    TEXT,
    WHEN,
    Schema,
    also,
    exactly,
    many,
    one_of,
)

WARNINGS: Schema = {
    **many(exactly(pointer=TEXT, detail=TEXT)),
    "description": "In answers to writes: what the cluster's API server, asked by a dry run before anything is stored, "
    "warns of, and why it could not be asked; `pointer` is the field's JSON pointer in the manifest. The header "
    "`Warning` says the same in English.",
}
CONDITION = exactly(type=TEXT, status=one_of("True", "False", "Unknown"), reason=TEXT, message=TEXT)
NOTE = exactly(reason=TEXT, message=TEXT)
UNIT = also(
    exactly(name=TEXT, state=one_of(*STATES), template=TEXT, reason=TEXT, message=TEXT),
    notes=many(NOTE),
)
REMEDY = exactly(
    action=one_of("recreate", "edit", "label", "zone", "replicas"),
    unit=TEXT,
    method=one_of("POST", "PATCH"),
    path=TEXT,
    body=OBJECT,
)
STATUS = also(
    exactly(observedGeneration=COUNT, conditions=many(CONDITION), states=OBJECT, units=many(UNIT)),
    notes=many(NOTE),
    remedies=many(also(REMEDY, reason=TEXT)),
    warnings=WARNINGS,
)
METADATA: Schema = {
    "type": "object",
    "properties": {"name": TEXT, "namespace": TEXT, "labels": LABELS, "annotations": LABELS, "uid": TEXT},
    "required": ["name"],
}
STEP = exactly(
    verb=one_of("create", "update", "adopt", "release", "delete"),
    kind=TEXT,
    namespace=TEXT,
    name=TEXT,
    unit=TEXT,
    reason=TEXT,
    changes=many(exactly(path=TEXT, old={}, new={}, field=TEXT, by=TEXT)),
)
FINDING = exactly(unit=TEXT, reason=TEXT, message=TEXT)
RESULT = one_of("created", "configured", "unchanged", "deleted")
PODS = exactly(desired=COUNT, ready=COUNT)
FRESH = {"observedAt": WHEN, "stale": FLAG, "unreachableSince": WHEN}
MANAGEMENT = exactly(
    mode=one_of("managing", "read-only", "handing-back"),
    since=WHEN,
    decidedBy=TEXT,
    forced=FLAG,
    evidence=many(TEXT),
    cure=many(TEXT),
)
TASK = exactly(
    name=one_of("hand-back", "definitions"),
    state=one_of("pending", "done", "failed"),
    by=TEXT,
    at=WHEN,
    lines=many(TEXT),
    commands=many(TEXT),
)
HALT = exactly(
    id=TEXT,
    reason=one_of(*REASONS),
    message=TEXT,
    since=WHEN,
    choices=many(exactly(choice=one_of("restore", "follow"), outcome=TEXT)),
)
MANIFEST = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": API_VERSION},
        "kind": one_of(*KINDS),
        "metadata": METADATA,
        "spec": {
            "type": "object",
            "properties": {"gridUniqKey": TEXT, "template": OBJECT},
            "required": ["gridUniqKey"],
        },
    },
    "required": ["apiVersion", "kind", "metadata", "spec"],
}
