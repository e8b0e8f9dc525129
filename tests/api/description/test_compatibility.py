"""The description stays compatible with what was promised: nothing goes, and nothing more is demanded.

`baseline.json` holds the promises; what was added on purpose joins them with
`REWRITE_BASELINE=1 python -m pytest tests/api/description/test_compatibility.py`.
"""

import copy
import json
import os
import re
from pathlib import Path

import pytest

from sgportal.api.docs.views import description

from .contract import broken, demands, operations, promises

BASELINE = Path(__file__).parent / "baseline.json"


def written(document):
    """The promises and demands of a document for the file: each set of lines once."""
    sets, places = [], []
    for by_place in (promises(document), demands(document)):
        for lines in by_place.values():
            if sorted(lines) not in sets:
                sets.append(sorted(lines))
        places.append({place: sets.index(sorted(lines)) for place, lines in by_place.items()})
    return {"promises": places[0], "demands": places[1], "sets": sets}


def read(stored):
    promised, demanded = (
        {place: frozenset(stored["sets"][number]) for place, number in stored[name].items()}
        for name in ("promises", "demands")
    )
    return promised, demanded


@pytest.fixture(scope="module")
def document():
    return json.loads(json.dumps(description()))


def test_nothing_promised_goes_and_nothing_more_is_demanded(document):
    if os.environ.get("REWRITE_BASELINE"):
        BASELINE.write_text(json.dumps(written(document), indent=0, sort_keys=True) + "\n")
    assert broken(read(json.loads(BASELINE.read_text())), (promises(document), demands(document))) == []


def test_the_file_holds_what_the_document_says(document):
    assert read(json.loads(json.dumps(written(document)))) == (promises(document), demands(document))


def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name(document):
    """What tools that read the document, such as Swagger UI and generators of clients, need of it."""
    text = json.dumps(document)
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert referred == document["components"]["schemas"].keys()
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names)) > 40
    assert all(operation["summary"] and operation["description"] for _, operation in operations(document))


NODES = ("paths", "/api/v1/nodes", "get")
SCHEMAS = ("components", "schemas")
GONE = [
    ("paths", "/api/v1/nodes"),
    NODES,
    (*NODES, "responses", "200"),
    (*NODES, "responses", "422"),
    (*NODES, "responses", "200", "content", "application/yaml"),
    (*NODES, "parameters", 0),
    ("paths", "/api/v1/deploymentgrids/{namespace}/{name}", "get", "responses", "200", "headers", "ETag"),
    (*SCHEMAS, "Node", "properties", "status"),
    (*SCHEMAS, "NodeUnit", "properties", "state", "enum", "Offline"),
    (*SCHEMAS, "NodeUnit", "required", "state"),
    (*SCHEMAS, "Cluster", "properties", "superedgeRuns", "type", "null"),
    (*SCHEMAS, "LabelRequest", "properties", "remove"),
]


@pytest.mark.parametrize("place", GONE, ids=lambda place: ".".join(map(str, place)))
def test_what_goes_is_found(document, place):
    changed = copy.deepcopy(document)
    *way, last = place
    holder = changed
    for each in way:
        holder = holder[each]
    if isinstance(holder, list) and isinstance(last, str):
        holder.remove(last)
    else:
        del holder[last]
    before, after = ((promises(each), demands(each)) for each in (document, changed))
    assert broken(before, after) != []
    assert broken(after, before) == []


def test_what_is_demanded_anew_is_found(document):
    field = copy.deepcopy(document)
    field["components"]["schemas"]["LabelRequest"]["required"] = ["remove"]
    parameter = copy.deepcopy(document)
    known = {each["name"]: each for each in parameter["paths"]["/api/v1/overview"]["get"]["parameters"]}
    known["group"]["required"] = True
    before = promises(document), demands(document)
    assert any("needs ' remove'" in each for each in broken(before, (promises(field), demands(field))))
    assert broken(before, (promises(parameter), demands(parameter))) == [
        "GET /api/v1/overview: needs 'query group' now"
    ]
