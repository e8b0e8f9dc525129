"""An answer held against the OpenAPI document: its status, its media type, its body, and nothing that is not told."""

import copy
import json
from datetime import datetime
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from .contract import Document, operations

# Kubernetes' own objects, and what the cluster has in them: more than is told here may stand in these.
OPEN = {"Manifest", "Metadata", "Spec", "Condition", "UnitStatus"}
FORMATS = FormatChecker(["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_a_time(value: Any) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Described:
    """The document, and which answers of which operations were held against it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.operations = dict(operations(document))
        self.components = {
            "schemas": {
                name: schema if name in OPEN else _closed(schema)
                for name, schema in document["components"]["schemas"].items()
            }
        }

    def faults(self, operation: str, answer: Any) -> list[str]:
        """What the answer has that the document does not say of it."""
        told = self.operations[operation]["responses"].get(str(answer.status_code))
        if told is None:
            return [f"{answer.status_code} is not described: {answer.content.decode()}"]
        sent = [name for name in ("ETag", "Location") if name in answer.headers]
        found = [f"the header {name} is not described" for name in sent if name not in told.get("headers", {})]
        kind = answer.headers.get("Content-Type", "") if answer.content else ""
        if not kind:
            return found + ["the body is empty"] * bool(told.get("content"))
        if kind not in told.get("content", {}):
            return [*found, f"{kind} is not described"]
        body = yaml.safe_load(answer.content) if kind.endswith("yaml") else json.loads(answer.content)
        return found + self.body_faults(told["content"][kind]["schema"], body)

    def body_faults(self, schema: Document, body: Any) -> list[str]:
        """What a body has that a schema of the document does not say."""
        validator = Draft202012Validator({**schema, "components": self.components}, format_checker=FORMATS)
        return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(body)]


def _closed(schema: Document) -> Document:
    """The schema with nothing in its objects but what it names."""
    schema = copy.deepcopy(schema)
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema
