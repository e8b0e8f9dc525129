"""The web process: `uvicorn sgportal.asgi:application`."""

import os

import django

from .logs import name_process

name_process("web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
django.setup(set_prefix=False)

from .api.handler import Handler  # noqa: E402 - settings come first
from .api.serving import served  # noqa: E402
from .dashboard.page.parts.crowd import Crowd  # noqa: E402
from .management.process_memory import freeze  # noqa: E402

application = served(Crowd(Handler()))
freeze()
