"""The Celery application. Messages carry a key and nothing else."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")

app = Celery("sgportal", include=["sgportal.reconciler.tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
