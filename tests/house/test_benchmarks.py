"""Benchmarks take minutes and run by hand; that each of them can begin is seen here."""

from importlib import import_module

import pytest

from bench.__main__ import RUNS

from .tree import ROOT


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "bench").glob("[a-z]*.py")))
def test_every_module_of_the_benchmarks_can_be_imported(name):
    assert import_module(f"bench.{name}")


def test_every_benchmark_that_is_named_has_a_function_to_run():
    assert all(callable(import_module(f"bench.{module}").run) for module, *_ in RUNS.values())
