"""The schema against the door: whatever is sent gets a documented answer, and never a server error."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sgportal.models import Grid

from .. import builders
from ..conftest import Api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/api/v1/events"  # a stream has no end to wait for; test_live holds it
AT_ONCE = ("/api/v1/cluster/crds", "/api/v1/superedge/takeover")  # ask the cluster, and here there is none: 503
EXAMPLES = 12


@pytest.fixture
def token(transactional_db):
    builders.heard()
    return builders.token(builders.user("ada", "admin"), "write")


def test_the_schema_is_openapi_31_and_names_every_call(token):
    document = Api(token).get("schema").json()
    assert document["openapi"].startswith("3.1")
    calls = {"deploymentgrids", "statefulsetgrids", "servicegrids", "apply", "servicegroups", "nodes", "nodes/label"}
    calls |= {"nodegroups", "nodeunits", "overview", "events", "servicegrids/{namespace}/{name}/endpoints", "services"}
    assert {f"/api/v1/{call}" for call in calls} <= document["paths"].keys()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_call_finds_a_server_error_or_an_undocumented_answer(live_server, token):
    schema = schemathesis.openapi.from_dict(Api(token).get("schema").json())
    headers = {"Authorization": f"Bearer {token}"}
    met = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == ENDLESS:
            continue

        @seed(7)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case):
            answer = case.call(base_url=live_server.url, headers=headers, timeout=20)
            met.add(answer.status_code)
            unavailable = answer.status_code == 503 and case.operation.path in AT_ONCE
            case.validate_response(answer, checks=CHECKS[1:] if unavailable else CHECKS)

        call()
    assert {200, 404, 422} <= met
    assert not Grid.objects.filter(spec={}).exists()
