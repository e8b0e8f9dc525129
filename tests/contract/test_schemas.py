"""The schemas that the embedded cluster reads bodies by."""

import pytest

from sgportal.demo.schemas import schemas

from .openapi import collect


@pytest.mark.kubernetes
def test_they_are_those_of_the_real_api_server(real_server):
    """Made anew by `python -m tests.contract.openapi`."""
    assert collect(lambda path: real_server("GET", path).body) == schemas()
