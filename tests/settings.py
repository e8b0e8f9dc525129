"""The product's settings with what tests need: a fixed key, no TLS redirect, fast passwords, a file for SQLite."""

import os

os.environ.setdefault("SECRET_KEY", "tests-only")
os.environ.setdefault("SGPORTAL_TLS", "0")
os.environ.setdefault("SGPORTAL_STATIC_FROM_SOURCE", "1")
os.environ.setdefault("SGPORTAL_CLUSTER", "demo")

from sgportal.settings import *  # noqa: F403
from sgportal.settings import BASE_DIR, DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because server threads and worker threads need connections of their own.
    DATABASES["default"]["TEST"] = {
        "NAME": str(BASE_DIR / f".test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.sqlite3")
    }
