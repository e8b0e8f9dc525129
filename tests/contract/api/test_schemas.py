"""The schemas that the embedded cluster reads bodies by."""

import pytest

from embedded_cluster.kinds.schemas import schemas

from .openapi import collect


@pytest.mark.kubernetes
def test_they_are_those_of_the_real_api_server(real_server):
    """Made anew by `python -m tests.contract.api.openapi`."""
    assert collect(lambda path: real_server("GET", path).body) == schemas()


@pytest.mark.parametrize("version", ["@v1.0", ".v1.0"])
def test_the_old_document_has_a_type_that_clients_can_read(server, version):
    """An "@" is in no media type: clients of our days cannot take apart an answer that has one."""
    asked = f"application/com.github.proto-openapi.spec.v2{version}+protobuf"
    answer = server.open("GET", "/openapi/v2", accept=asked)
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    )
