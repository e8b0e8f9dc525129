"""The schemas of our custom resources: what the API server itself refuses, with the field, before anything is stored.

They refuse nothing that `core.grid.parse` takes. Templates keep every field, whatever it is; of them only is said what
no child can do without. What only a rule in CEL can say (`x-kubernetes-validations`) older API servers take, and the
portal then shows it as a condition.
"""

from ..core.grids.kinds import DEFAULT, GridKind
from ..core.names import MAX_CHILD_NAME, MAX_LABEL, child_name
from ..core.ownership.ignored import MAX_ENTRIES, MAX_MANAGER, MAX_PATH
from ..core.traffic.closure import MODES, SLICE_MODES
from ..core.traffic.front import FRONTS
from .rollout_schemas import ROLLOUT
from .unit_schemas import ANY, BY_UNIT, LABEL, TEXT, VALUE, Schema, open_object, rule

KEY: Schema = {
    "description": "The label key of nodes whose values name the NodeUnits.",
    "type": "string",
    "minLength": 1,
    "maxLength": 317,
    "pattern": rf"^({LABEL}(\.{LABEL})*/)?{VALUE}$",
}


def _texts(longest: int, pattern: str = "") -> Schema:
    text = {**TEXT, "minLength": 1, "maxLength": longest, **({"pattern": pattern} if pattern else {})}
    return {"type": "array", "maxItems": MAX_ENTRIES, "items": text}


_IGNORED: Schema = {
    "description": "What is set when a child is created and then left to others: the fields that are named, those that "
    "the named managers have set, or, where both stand, the former as far as the latter have set them.",
    "type": "array",
    "maxItems": MAX_ENTRIES,
    "items": {
        "type": "object",
        "properties": {
            "jsonPointers": {"description": "Fields of the child, such as /spec/replicas.", **_texts(MAX_PATH, "^/")},
            "fieldPaths": {
                "description": 'Fields of the child, such as spec.template.spec.containers[name="app"].image.',
                **_texts(MAX_PATH),
            },
            "managers": {"description": "Field managers, as metadata.managedFields has them.", **_texts(MAX_MANAGER)},
        },
    },
}
_CONTAINER = open_object("name", "image", name={**TEXT, "minLength": 1}, image={**TEXT, "minLength": 1})
_POD = open_object("containers", containers={"type": "array", "minItems": 1, "items": _CONTAINER})
_TEMPLATE = open_object(
    "selector",
    "template",
    replicas={"type": "integer", "format": "int32", "minimum": 0},
    selector=ANY,
    template=open_object("spec", spec=_POD),
)
_WORKLOAD: Schema = {
    "type": "object",
    "required": ["gridUniqKey"],
    "properties": {
        "gridUniqKey": KEY,
        "template": {"description": "The spec of the workload in every NodeUnit that uses no other.", **_TEMPLATE},
        "templatePool": {
            "description": "More templates, by name.",
            "type": "object",
            "additionalProperties": _TEMPLATE,
            "x-kubernetes-validations": [
                rule(
                    f"!('{DEFAULT}' in self)",
                    f"“{DEFAULT}” always means spec.template; give this template another name",
                )
            ],
        },
        "templates": {
            "description": "Which template a NodeUnit uses: its name by the NodeUnit's.",
            "type": "object",
            "additionalProperties": TEXT,
        },
        "defaultTemplateName": {"description": "The template of NodeUnits that templates does not name.", **TEXT},
        "autoDeleteUnusedTemplate": {
            "description": "As in SuperEdge; unused templates are shown, and removed when somebody confirms it.",
            "type": "boolean",
        },
        "ignoreDifferences": _IGNORED,
        **BY_UNIT,
        "rollout": ROLLOUT,
    },
    "x-kubernetes-validations": [
        rule(
            "!has(self.totalReplicas) || !has(self.template) || !has(self.template.replicas)",
            "must not stand beside totalReplicas; change totalReplicas instead",
            ".template",
        ),
        rule(
            "has(self.template) || (has(self.templatePool) && size(self.templatePool) > 0 && "
            "has(self.defaultTemplateName) && self.defaultTemplateName != '')",
            "is required, unless there is a templatePool and a defaultTemplateName",
            ".template",
        ),
    ],
}
_CLOSURE: Schema = {
    "description": "How traffic is kept within NodeUnits; left out, the best that the cluster can keep.",
    "type": "object",
    "required": ["mode"],
    "properties": {
        "mode": {"type": "string", "enum": list(MODES)},
        "failover": {
            "description": "With mode failover: the NodeUnits to borrow from, in order.",
            "type": "array",
            "items": {**TEXT, "minLength": 1, "maxLength": MAX_LABEL, "pattern": f"^{VALUE}$"},
        },
    },
    "x-kubernetes-validations": [
        rule(
            "self.mode != 'failover' || (has(self.failover) && size(self.failover) > 0)",
            "is required: the NodeUnits to borrow from, in order",
            ".failover",
        ),
        rule(
            "self.mode == 'failover' || !has(self.failover)",
            "only mode “failover” has a list of NodeUnits to borrow from",
            ".failover",
        ),
    ],
}
_SERVICE_TEMPLATE: Schema = {
    "description": "The spec of the Service.",
    **open_object(
        "selector",
        selector={"type": "object", "minProperties": 1, "additionalProperties": TEXT},
        ports={
            "type": "array",
            "items": open_object("port", port={"type": "integer", "format": "int32", "minimum": 1, "maximum": 65535}),
        },
        clusterIP=TEXT,
        type=TEXT,
    ),
    "x-kubernetes-validations": [
        rule(
            "(has(self.clusterIP) && self.clusterIP == 'None') || (has(self.ports) && size(self.ports) > 0)",
            "at least one port is required",
            ".ports",
        )
    ],
}
_SERVICE: Schema = {
    "type": "object",
    "required": ["gridUniqKey", "template"],
    "properties": {
        "gridUniqKey": KEY,
        "template": _SERVICE_TEMPLATE,
        "closure": _CLOSURE,
        "front": {
            "description": "Plain Services beside this one, for readers of EndpointSlices that know nothing of closed "
            "loops: all, one of all pods; perUnit, one for each NodeUnit.",
            "type": "string",
            "enum": list(FRONTS),
        },
        "ignoreDifferences": _IGNORED,
    },
    "x-kubernetes-validations": [
        rule(
            f"!has(self.closure) || !(self.closure.mode in {sorted(SLICE_MODES)}) || "
            "((!has(self.template.clusterIP) || self.template.clusterIP != 'None') && "
            "(!has(self.template.type) || self.template.type != 'ExternalName'))",
            "a headless Service, or one of type ExternalName, has nothing to steer; use mode “wrapper” or “open”",
            ".closure",
        ),
        rule(
            "!has(self.front) || !has(self.template.type) || self.template.type != 'ExternalName'",
            "a Service of type ExternalName has no pods to stand before",
            ".front",
        ),
        rule(
            "!has(self.front) || self.front != 'all' || !has(self.template.clusterIP) || "
            "self.template.clusterIP != 'None'",
            "a headless Service has a selector and lists all pods itself; use “perUnit”, or leave this out",
            ".front",
        ),
    ],
}
_NOTES: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": dict.fromkeys(("reason", "message"), TEXT)},
}
_UNIT: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "state", "template", "reason", "message"), TEXT),
        "notes": _NOTES,
    },
}
CONDITION: Schema = {
    "type": "object",
    "required": ["type", "status"],
    "properties": dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), TEXT),
}
_STATUS: Schema = {
    "type": "object",
    "properties": {
        "observedGeneration": {"type": "integer", "format": "int64"},
        "conditions": {"type": "array", "items": CONDITION},
        "states": {"type": "object", "additionalProperties": ANY},
        "units": {"type": "array", "items": _UNIT},
        "readyUnits": {"type": "integer"},
        "totalUnits": {"type": "integer"},
        "replicas": {"description": "Pods that are wanted in all NodeUnits together.", "type": "integer"},
        "truncated": {"type": "boolean"},
        "omittedUnits": {"type": "integer"},
        "unitsByState": {"type": "object", "additionalProperties": {"type": "integer"}},
        "rollout": {"description": "How far the latest rollout is.", **ANY},
        "notes": _NOTES,
        "unusedTemplates": {"type": "array", "items": TEXT},
        "closure": TEXT,
        "nodes": {"type": "object", "additionalProperties": {"type": "integer"}},
        "foreignSlices": {"type": "integer"},
        "frontServices": {"type": "integer"},
    },
}


def schema_of(kind: GridKind) -> Schema:
    """The OpenAPI schema of a grid, structural as the API server wants it."""
    room = MAX_CHILD_NAME[kind.child_kind] - len(child_name("", kind.child_kind, "x"))
    # Of a Deployment the API server takes every name that it takes of the grid.
    rule = {} if kind.child_kind == "Deployment" else {"pattern": f"^{LABEL}$"}
    return {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": TEXT,
            "kind": TEXT,
            "metadata": {"type": "object", "properties": {"name": {**TEXT, "maxLength": room, **rule}}},
            "spec": _SERVICE if kind.child_kind == "Service" else _WORKLOAD,
            "status": _STATUS,
        },
    }
