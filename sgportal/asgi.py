"""The web process: `uvicorn sgportal.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
_django = get_asgi_application()

from .api.serving import ends_streams_when_asked, within_limits  # noqa: E402 - settings come first

ends_streams_when_asked()
application = within_limits(_django)
