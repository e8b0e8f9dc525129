"""Settings from environment variables, each read once, checked at start, refused with a clear message."""

import os
import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from .core.addresses import Network, read_networks
from .core.names import label_value_problem, namespace_problem, object_name_problem
from .core.policy.namespaces import Namespaces, read_namespaces

REDIS = ("redis://", "rediss://", "unix://")  # the schemes of a Redis' URLs


def env_str(name: str, default: str | None = None) -> str:
    """The text of a variable. Raises ImproperlyConfigured where it is unset and there is no default."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"the environment variable {name} must be set (README: Settings)")
    return value


def env_int(name: str, default: int, minimum: int = 0) -> int:
    """A whole number of at least `minimum`. Raises ImproperlyConfigured for anything else."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}, not “{text}”")
    return int(text)


def env_bool(name: str, default: bool) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off, "". Raises ImproperlyConfigured for anything else."""
    text = os.environ.get(name)
    if text is None:
        return default
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("", "0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} must be one of 1, true, yes, on, 0, false, no, off, not “{text}”")


def env_list(name: str, default: str = "") -> list[str]:
    """The parts of a comma-separated variable, without blanks."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def server_url(name: str, value: str) -> str:
    """The address of a server (http, https), or "". Raises ImproperlyConfigured for anything else, and for one
    with a password, which would be shown with errors."""
    try:
        where = urlsplit(value)
    except ValueError:  # brackets that hold no address
        where = urlsplit("")
    if value and (where.scheme not in ("http", "https") or not where.hostname or where.username or where.query):
        raise ImproperlyConfigured(f"{name} must be an address such as http://prometheus:9090, without log-in or query")
    return value


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of `choices`. Raises ImproperlyConfigured for anything else."""
    value = os.environ.get(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not “{value}”")
    return value


def some_of(name: str, found: list[str], choices: tuple[str, ...]) -> list[str]:
    """What a setting names, if these are all among `choices`. Raises ImproperlyConfigured for anything else."""
    if wrong := [each for each in found if each not in choices]:
        raise ImproperlyConfigured(f"{name} may hold {', '.join(choices)}, not “{wrong[0]}”")
    return found


def prefix(text: str) -> str:
    """What stands before the names of users and groups in the cluster. Raises ImproperlyConfigured where they could be
    another's there."""
    if not text.endswith(":") or text.startswith("system:") or not text.isascii() or not text.isprintable():
        raise ImproperlyConfigured(
            f"SGPORTAL_IMPERSONATE_PREFIX must end in “:” and not begin with system:, not “{text}”"
        )
    return text


def namespaces(globs: list[str], own: str) -> Namespaces:
    """The namespaces that SGPORTAL_NAMESPACES opens. Raises ImproperlyConfigured for what no namespace can match."""
    try:
        return read_namespaces(globs, own)
    except ValueError as error:
        raise ImproperlyConfigured(f"SGPORTAL_NAMESPACES: {error}") from error


def config_map(text: str) -> str:
    """`<namespace>/<name>` of SGPORTAL_DNS_CONFIGMAP, or "". Raises ImproperlyConfigured for anything else."""
    namespace, _, name = text.partition("/")
    if text and (problem := namespace_problem(namespace) or object_name_problem(name)):
        raise ImproperlyConfigured(f"SGPORTAL_DNS_CONFIGMAP must be namespace/name: {problem}")
    return text


def cluster_name(text: str) -> str:
    """What people call the cluster, SGPORTAL_CLUSTER_NAME: as a label's value, so that every place that shows it can.
    Raises ImproperlyConfigured for what is none."""
    if text and (problem := label_value_problem(text)):
        raise ImproperlyConfigured(f"SGPORTAL_CLUSTER_NAME: {problem}")
    return text


def domain(text: str) -> str:
    """The domain of SGPORTAL_CLUSTER_DOMAIN. Raises ImproperlyConfigured for what is none."""
    if problem := object_name_problem(text):
        raise ImproperlyConfigured(f"SGPORTAL_CLUSTER_DOMAIN: {problem}")
    return text


def zones(texts: list[str]) -> tuple[str, ...]:
    """The zones of SGPORTAL_EXPECTED_ZONES. Raises ImproperlyConfigured for what is no label value."""
    for text in texts:
        if problem := label_value_problem(text):
            raise ImproperlyConfigured(f"SGPORTAL_EXPECTED_ZONES: {problem}")
    return tuple(texts)


def proxies(texts: list[str]) -> tuple[Network, ...]:
    """The networks of SGPORTAL_TRUSTED_PROXIES. Raises ImproperlyConfigured for what is no address."""
    try:
        return read_networks(texts)
    except ValueError as error:
        raise ImproperlyConfigured(f"SGPORTAL_TRUSTED_PROXIES: {error}") from error


def database(url: str, pool: int, statement_seconds: int) -> dict[str, Any]:
    """Django's entry for `sqlite:///path` or a PostgreSQL URI with everything that psql takes in one: TLS
    (`?sslmode=verify-full`), sockets (`?host=/run/postgresql`), several hosts.

    `pool`: how many connections a process has at most, 0 for one per thread. `statement_seconds`: after how long
    PostgreSQL ends a statement, 0 for never. Raises ImproperlyConfigured, without the password, for anything else.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest:
        init = "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": init}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": rest.removeprefix("/"), "OPTIONS": options}
    if scheme in ("postgres", "postgresql"):
        return _postgresql(_parsed_by_libpq(url), pool, statement_seconds)
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgresql://")


IDLE_SECONDS = 15  # between two statements of one transaction, after which PostgreSQL ends the connection


def _parsed_by_libpq(url: str) -> dict[str, str]:
    """The options of a URI as PostgreSQL's own client library reads them, so that none is lost and none is made up."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError as error:
        unknown = re.search(r"invalid URI query parameter: \S+", str(error))  # other messages may quote the password
        why = unknown[0] if unknown else "write special characters of user and password as %XX"
        raise ImproperlyConfigured(f"DATABASE_URL is no URI that PostgreSQL understands: {why}") from None
    if "dbname" not in found and "service" not in found:
        raise ImproperlyConfigured("DATABASE_URL must name the database: postgresql://user@host/name")
    if not found.setdefault("connect_timeout", "5").isdecimal():
        raise ImproperlyConfigured("DATABASE_URL: connect_timeout must be a whole number of seconds")
    return found


def _postgresql(given: dict[str, str], pool: int, statement_seconds: int) -> dict[str, Any]:
    limit = ""
    if statement_seconds:
        # A process that is frozen in the middle of a transaction holds its locks; others would wait until they give up.
        idle_seconds = min(IDLE_SECONDS, statement_seconds)
        limit = f"-c statement_timeout={statement_seconds * 1000} "
        limit += f"-c idle_in_transaction_session_timeout={idle_seconds * 1000}"
    options: dict[str, Any] = {"application_name": "sgportal", **given}
    options["options"] = f"{limit} {given.get('options', '')}".strip()
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10, "max_idle": 60}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": options.pop("dbname", ""),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": options.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {name: value for name, value in options.items() if value},
    }


def caches(url: str) -> dict[str, dict[str, Any]]:
    """Django's entry for a cache in the Redis of this URL; for "" each process has one of its own.

    Raises ImproperlyConfigured for what is no URL of a Redis."""
    if not url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    if not url.startswith(REDIS):
        raise ImproperlyConfigured(f"SGPORTAL_CACHE_URL must begin with one of {', '.join(REDIS)}")
    return {"default": {"BACKEND": "sgportal.shared_cache.SharedCache", "LOCATION": url}}
