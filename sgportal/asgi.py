"""The web process: `uvicorn sgportal.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from .logs import name_process

name_process("web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
_django = get_asgi_application()

from .api.serving import served  # noqa: E402 - settings come first
from .management.process_memory import freeze  # noqa: E402

application = served(_django)
freeze()
