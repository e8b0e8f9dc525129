"""The Celery application. Messages carry a key and nothing else."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
# Each time that it begins to consume Celery would run Django's checks, which load every page: 40 MiB in each worker.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("sgportal", include=["sgportal.reconciler.tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
