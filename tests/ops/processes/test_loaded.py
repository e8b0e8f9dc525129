"""What a process loads that serves no page: none of what pages are made of."""

import json
import subprocess
import sys

import pytest

PAGES = ("sgportal.admin", "sgportal.admin_site", "sgportal.api", "sgportal.dashboard", "sgportal.urls")
LOADED = """
import importlib, json, sys
import django
django.setup()
importlib.import_module("sgportal.management.commands.{}")
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("command", ["worker", "watch", "keeper"])
def test_a_process_that_serves_no_page_loads_none(command: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED.format(command)], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    loaded = json.loads(told.stdout)
    assert f"sgportal.management.commands.{command}" in loaded
    assert [each for each in loaded if each in PAGES] == []
