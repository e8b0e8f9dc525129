"""No decision hangs on a sentence: with every sentence reworded, all of them stay."""

import json
import subprocess
import sys

import pytest

from tests.house.tree import ROOT


def decisions(*arguments):
    """What `tests.core.decisions` prints, by family of cases."""
    command = [sys.executable, "-m", "tests.core.decisions", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_every_decision_stays_when_every_sentence_is_reworded():
    as_it_is, reworded = decisions(), decisions("reworded")
    for family, decided in as_it_is.items():
        differing = [pair for pair in zip(decided, reworded[family], strict=True) if pair[0] != pair[1]]
        assert differing == [], family
    sizes = {family: len(decided) for family, decided in as_it_is.items()}
    assert min(sizes.values()) >= 1
    assert sum(sizes.values()) > 2000
