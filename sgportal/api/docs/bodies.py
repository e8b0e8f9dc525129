"""What is in the bodies of requests and answers, as JSON Schema (the dialect of OpenAPI 3.1)."""

from ...core.fleet import held
from ...core.grids.group import KIND
from ...core.grids.kinds import API_VERSION, KINDS
from ...core.health import STATES
from ..cluster.decisions import HELD_FIELDS
from ..cluster.views import DECISION_FIELDS, TAKE_OVER_FIELDS
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
    of_fields,
    one_of,
    ref,
)
from ..grids.views import RESTORE_FIELDS
from ..nodes.labelling import LABEL_FIELDS
from ..people.views import TOKEN_FIELDS
from .parts import (
    FINDING,
    FRESH,
    HALT,
    MANAGEMENT,
    MANIFEST,
    METADATA,
    PODS,
    REMEDY,
    RESULT,
    STATUS,
    STEP,
    TASK,
    WARNINGS,
)

BODIES: dict[str, Schema] = {
    "Problem": {
        **exactly(type=TEXT, title=TEXT, status=COUNT, detail=TEXT, instance=TEXT, requestId=TEXT),
        "description": "RFC 9457. `errors` names each field at fault by its JSON pointer and says what would be right.",
    },
    "Manifest": MANIFEST,
    "Grid": {
        **exactly(
            apiVersion={"const": API_VERSION}, kind=one_of(*KINDS), metadata=METADATA, spec=OBJECT, status=STATUS
        ),
        "description": "A DeploymentGrid, StatefulSetGrid or ServiceGrid of SuperEdge, with its status.",
    },
    "ServiceGroup": {
        **also(
            exactly(
                apiVersion={"const": API_VERSION},
                kind={"const": KIND},
                metadata=METADATA,
                spec=exactly(gridUniqKey=TEXT, grids=many(OBJECT)),
            ),
            status={"type": "object", "properties": {"warnings": WARNINGS}},
        ),
        "description": "A package of grids of one NodeGroup and namespace; each grid may leave those out.",
    },
    "GroupPlan": exactly(path=TEXT, result=RESULT, grids=many(ref("Plan"))),
    "Patch": {"type": "object", "description": "A JSON merge patch (RFC 7396); null removes."},
    "Plan": also(
        exactly(path=TEXT, result=RESULT, steps=many(STEP), findings=many(FINDING), notes=many(FINDING)),
        warnings=WARNINGS,
    ),
    "Bundle": {
        "description": "A YAML stream, a JSON list, or `{items: [...]}`.",
        "oneOf": [many(ref("Manifest")), exactly(items=many(ref("Manifest"))), ref("Manifest")],
    },
    "Applied": exactly(
        items=many(exactly(path=TEXT, namespace=TEXT, name=TEXT, result=RESULT, warnings=WARNINGS)),
        next={"type": "null"},
    ),
    "Revision": exactly(number=COUNT, author=TEXT, createdAt=WHEN, metadata=OBJECT, spec=OBJECT),
    "Event": exactly(unit=TEXT, type=TEXT, reason=TEXT, message=TEXT, count=COUNT, firstAt=WHEN, lastAt=WHEN),
    "RestoreRequest": of_fields(RESTORE_FIELDS),
    "RecreateRequest": of_fields({"unit": ("str", False)}),
    "NodeEndpoints": also(
        exactly(
            node=TEXT,
            unit=TEXT,
            endpoints=many(exactly(pod=TEXT, ip=TEXT, node=TEXT, unit=TEXT)),
            state=one_of("closed", "refusing", "open", "leaking", "unknown"),
            enforcement=one_of("annotation", "hints", "none"),
            mode=one_of("strict", "failover", "prefer", "wrapper", "open"),
            observed=FLAG,
            guilty=many(exactly(address=TEXT, slice=TEXT, node=TEXT)),
            closed={"type": ["boolean", "null"]},
            code=TEXT,
            reason=TEXT,
        ),
        remedies=many(REMEDY),
    ),
    "AnnotatedService": exactly(
        namespace=TEXT,
        name=TEXT,
        topologyKeys=many(TEXT),
        nodes={"type": "object", "additionalProperties": COUNT},
        enforcement={"const": "annotation"},
        reason=TEXT,
    ),
    "Node": exactly(
        apiVersion={"const": "v1"},
        kind={"const": "Node"},
        metadata=exactly(name=TEXT, uid=TEXT, labels=LABELS, annotations=LABELS, creationTimestamp=WHEN),
        spec=exactly(unschedulable=FLAG, taints=many(OBJECT)),
        status=OBJECT,
    ),
    "NodePatch": exactly(
        metadata=exactly(labels={"type": "object", "additionalProperties": {"type": ["string", "null"]}})
    ),
    "LabelRequest": of_fields(LABEL_FIELDS),
    "Impact": exactly(
        units=many(
            exactly(
                group=TEXT,
                unit=TEXT,
                verb=one_of("appears", "vanishes", "changes"),
                joining=many(TEXT),
                leaving=many(TEXT),
            )
        ),
        steps=many({**STEP, "properties": {**STEP["properties"], "grid": TEXT}}),
        services=many(exactly(grid=TEXT, unit=TEXT)),
        held=many(TEXT),
    ),
    "Job": exactly(
        id={"type": "string", "format": "uuid"},
        state=one_of("pending", "running", "done", "failed"),
        changes={"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        done=COUNT,
        total=COUNT,
        results=many(exactly(node=TEXT, state=one_of("pending", "done", "failed"), detail=TEXT, before=OBJECT)),
        author=TEXT,
        createdAt=WHEN,
        finishedAt=WHEN,
    ),
    "NodeGroup": exactly(key=TEXT, units=COUNT, nodes=COUNT, readyNodes=COUNT, kubeletMaySet=FLAG),
    "NodeUnit": exactly(
        group=TEXT,
        name=TEXT,
        nodes=COUNT,
        readyNodes=COUNT,
        state=one_of(*STATES),
        nodeState=one_of("Ready", "Degraded", "NotReady", "Offline", "Gone"),
        unhealthy=FLAG,
        pods=PODS,
    ),
    "Overview": exactly(
        group=TEXT,
        units=many(ref("NodeUnit")),
        grids=many(
            exactly(
                kind=TEXT,
                namespace=TEXT,
                name=TEXT,
                path=TEXT,
                state=TEXT,
                generation=COUNT,
                observedGeneration=COUNT,
            )
        ),
        cells=many(exactly(unit=TEXT, grid=TEXT, desired=COUNT, ready=COUNT, state=TEXT, reason=TEXT, message=TEXT)),
        totals={"type": "object", "additionalProperties": COUNT},
        management=MANAGEMENT,
        **FRESH,
    ),
    "Cluster": exactly(
        version=TEXT,
        lookedAt=WHEN,
        superedgeRuns={"type": ["boolean", "null"]},
        management=MANAGEMENT,
        nodes=exactly(total=COUNT, obeyHints=COUNT),
        closedLoop=exactly(
            kept={"type": ["boolean", "null"]},
            reasons=many(TEXT),
            dataPlane=one_of("kube-proxy", "cilium", "calico-ebpf", "unknown"),
            setting=TEXT,
            hintsKept={"type": ["boolean", "null"]},
            lookedAt=WHEN,
            triedAt=WHEN,
        ),
        definitions=many(
            exactly(
                kind=one_of(*KINDS),
                name=TEXT,
                maker=one_of("sgportal", "superedge", "other", "none"),
                status=FLAG,
                findings=many(TEXT),
            )
        ),
        task={**TASK, "type": ["object", "null"]},
        uid=TEXT,
        halt={**HALT, "type": ["object", "null"]},
    ),
    "DecisionRequest": of_fields(DECISION_FIELDS),
    "Held": exactly(
        id=TEXT,
        kind=one_of(*held.KINDS),
        grid=TEXT,
        units=many(TEXT),
        message=TEXT,
        since=WHEN,
        choices=many(exactly(choice=one_of(*held.CHOICES), outcome=TEXT)),
    ),
    "HeldRequest": of_fields(HELD_FIELDS),
    "HeldDecision": exactly(decided=many(TEXT), waiting=COUNT),
    "TakeOverRequest": of_fields(TAKE_OVER_FIELDS),
    "TakeOver": exactly(
        steps=many({**STEP, "properties": {**STEP["properties"], "grid": TEXT}}),
        refusal={"type": ["string", "null"]},
    ),
    "Me": exactly(name=TEXT, role=TEXT, scope=one_of("read", "write"), language=TEXT),
    "TokenRequest": of_fields(TOKEN_FIELDS),
    "Token": exactly(
        id=COUNT,
        user=TEXT,
        name=TEXT,
        prefix=TEXT,
        scope=one_of("read", "write"),
        role=one_of("", "viewer", "operator", "admin"),
        expiresAt=WHEN,
        lastUsedAt=WHEN,
        createdAt=WHEN,
    ),
    "Audit": exactly(
        id=COUNT,
        kind=one_of("change", "access"),
        at=WHEN,
        actor=TEXT,
        door=TEXT,
        address=TEXT,
        verb=TEXT,
        path=TEXT,
        before={},
        after={},
        plan={},
    ),
    "Schema": {"type": "object", "description": "This document."},
}
BODIES["NewToken"] = {
    **BODIES["Token"],
    "properties": {**BODIES["Token"]["properties"], "token": TEXT},
    "required": [*BODIES["Token"]["required"], "token"],
}
