"""The product's settings with what tests need: a fixed key, no TLS redirect, fast passwords, a file for SQLite."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "tests-only")
os.environ.setdefault("SGPORTAL_TLS", "0")
os.environ.setdefault("SGPORTAL_STATIC_FROM_SOURCE", "1")
os.environ.setdefault("SGPORTAL_CLUSTER", "demo")

from sgportal.settings import *  # noqa: F403
from sgportal.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because server threads and worker threads need connections of their own; its name has the process in it,
    # because several test runs may be under way in one checkout.
    DATABASES["default"]["TEST"] = {"NAME": f"{tempfile.gettempdir()}/sgportal-test-{os.getpid()}.sqlite3"}
WHITENOISE_AUTOREFRESH = True  # no collected files, and none expected
