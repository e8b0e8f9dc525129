"""What a process loads that serves no page: none of what pages are made of."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PAGES = {"sgportal.admin", "sgportal.admin_site", "sgportal.api", "sgportal.dashboard", "sgportal.urls"}
LOADED = """
import importlib, json, sys
import django
django.setup()
importlib.import_module("sgportal.management.commands.{}")
print(json.dumps(sorted(sys.modules)))
"""
CONSUMES = """
import json, os, sys, threading
import django
django.setup()
from sgportal.reconciler import executor
from sgportal.reconciler.celery import app
from sgportal.reconciler.consumer import Consumer, load
load(app)
before = set(sys.modules)

class Hands:
    def offer(self, *_):
        print(json.dumps([sorted(before), sorted(sys.modules)]), flush=True)
        os._exit(0)

executor.current.append(Hands())
app.send_task("sgportal.reconcile", ("duties/x",))
Consumer(app, lambda told: None).run(threading.Event())
"""


def told(program: str) -> Any:
    """What a program prints as JSON."""
    settings = {**os.environ, "CELERY_BROKER_URL": "memory://"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=settings, timeout=120)
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", ["worker", "watch", "keeper"])
def test_a_process_that_serves_no_page_loads_none(command: str) -> None:
    loaded = told(LOADED.format(command))
    assert f"sgportal.management.commands.{command}" in loaded
    assert PAGES.intersection(loaded) == set()
    assert "uvicorn" not in loaded  # 3 MiB


def test_consuming_loads_no_page_and_little_that_was_not_loaded_before_processes_were_forked() -> None:
    before, after = told(CONSUMES)
    assert "celery.worker.consumer" in before
    assert PAGES.intersection(after) == set()
    assert len(set(after) - set(before)) < 30
