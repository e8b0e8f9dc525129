"""Here no transaction may take rows of the work queue one after the other."""

import pytest

from sgportal.reconciler.queue import together


@pytest.fixture(autouse=True)
def no_work_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the queue twice in a transaction does it within `requests_together`."""
    monkeypatch.setattr(together, "strict", True)
