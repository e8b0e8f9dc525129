"""`manage.py worker`: make grids right until SIGTERM or SIGINT. Any number may run, on any number of hosts."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand
from django.db import connections

from ...logs import name_process
from ...reconciler import consumer
from ...reconciler.celery import app
from ...reconciler.queue import broker
from ..process_memory import freeze
from ..supervisor import supervise
from ..worker_process import PATIENCE, WorkerProcess


class Command(BaseCommand):
    """Run the worker's processes, and begin anew those that end."""

    requires_system_checks = (Tags.database,)  # those of pages would load all pages
    help = "Makes grids right, with messages or without, until SIGTERM or SIGINT."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until asked to end."""
        name_process("worker")
        for each in connections.all(initialized_only=True):
            each.close()
            if hasattr(each, "close_pool"):
                each.close_pool()
        if broker.is_configured():
            consumer.load(app)
        import_module("sgportal.cluster.kubernetes_package")  # which is else loaded with the first request
        freeze()
        supervise(
            lambda: WorkerProcess(settings.SGPORTAL_WORKER_THREADS), settings.SGPORTAL_WORKER_PROCESSES, PATIENCE + 5
        )
