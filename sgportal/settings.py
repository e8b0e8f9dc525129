"""Django's settings; every value a deployment may choose comes from an environment variable (README: Settings)."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from .core.access.four_eyes import ACTIONS
from .core.policy.pod_security import LEVELS
from .env import (
    REDIS,
    caches,
    cluster_name,
    config_map,
    database,
    domain,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_str,
    namespaces,
    prefix,
    proxies,
    server_url,
    some_of,
    zones,
)
from .logs.context import name_cluster
from .logs.setup import FORMATS, configuration
from .places import ASSETS, PACKAGE, STATE

DEBUG = False
SECRET_KEY = env_str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
_POOL, _STATEMENT_SECONDS = env_int("SGPORTAL_DATABASE_POOL", 20), env_int("SGPORTAL_STATEMENT_SECONDS", 30)
DATABASES = {
    "default": database(env_str("DATABASE_URL", f"sqlite:///{STATE}/sgportal.sqlite3"), _POOL, _STATEMENT_SECONDS)
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What the product itself may be told.
SGPORTAL_CLUSTER = env_str("SGPORTAL_CLUSTER", "in-cluster")
SGPORTAL_CLUSTER_NAME = cluster_name(env_str("SGPORTAL_CLUSTER_NAME", ""))
SGPORTAL_NAMESPACE = env_str("SGPORTAL_NAMESPACE", "sgportal")
SGPORTAL_EXPECTED_ZONES = zones(env_list("SGPORTAL_EXPECTED_ZONES"))
SGPORTAL_DNS_CONFIGMAP = config_map(env_str("SGPORTAL_DNS_CONFIGMAP", ""))
SGPORTAL_DNS_PORT = env_int("SGPORTAL_DNS_PORT", 53, minimum=1)
SGPORTAL_CLUSTER_DOMAIN = domain(env_str("SGPORTAL_CLUSTER_DOMAIN", "cluster.local"))
SGPORTAL_GATE_HOSTS = [each.lower() for each in env_list("SGPORTAL_GATE_HOSTS")]
SGPORTAL_NAMESPACES = namespaces(env_list("SGPORTAL_NAMESPACES"), SGPORTAL_NAMESPACE)
SGPORTAL_POD_SECURITY = env_choice("SGPORTAL_POD_SECURITY", "baseline", LEVELS)
SGPORTAL_EXTERNAL_IPS = env_bool("SGPORTAL_EXTERNAL_IPS", False)
SGPORTAL_ORPHAN_GRACE_SECONDS = env_int("SGPORTAL_ORPHAN_GRACE_SECONDS", 3600)
SGPORTAL_DELETE_BRAKE_SHARE = env_int("SGPORTAL_DELETE_BRAKE_SHARE", 30, minimum=0)
SGPORTAL_DELETE_BRAKE_MIN = env_int("SGPORTAL_DELETE_BRAKE_MIN", 3, minimum=0)
SGPORTAL_DELETE_BRAKE_SECONDS = env_int("SGPORTAL_DELETE_BRAKE_SECONDS", 86400, minimum=0)
SGPORTAL_RESYNC_SECONDS = env_int("SGPORTAL_RESYNC_SECONDS", 300, minimum=10)
SGPORTAL_LEASE_SECONDS = env_int("SGPORTAL_LEASE_SECONDS", 30, minimum=1)
SGPORTAL_POLL_SECONDS = env_int("SGPORTAL_POLL_SECONDS", 1, minimum=1)
SGPORTAL_WORKER_PROCESSES = env_int("SGPORTAL_WORKER_PROCESSES", 2, minimum=1)
SGPORTAL_WORKER_THREADS = env_int("SGPORTAL_WORKER_THREADS", 4, minimum=1)
SGPORTAL_EVENTS_DAYS = env_int("SGPORTAL_EVENTS_DAYS", 14)
SGPORTAL_HISTORY_DAYS = env_int("SGPORTAL_HISTORY_DAYS", 90)
SGPORTAL_HISTORY_LABELS = env_list("SGPORTAL_HISTORY_LABELS")
SGPORTAL_REVISIONS_KEPT = env_int("SGPORTAL_REVISIONS_KEPT", 100)
SGPORTAL_AUDIT_DAYS = env_int("SGPORTAL_AUDIT_DAYS", 365)
SGPORTAL_BACKOFF_CAP_SECONDS = env_int("SGPORTAL_BACKOFF_CAP_SECONDS", 300, minimum=1)
SGPORTAL_CLUSTER_THREADS = env_int("SGPORTAL_CLUSTER_THREADS", 32, minimum=1)
SGPORTAL_WATCH_SILENCE_SECONDS = env_int("SGPORTAL_WATCH_SILENCE_SECONDS", 30, minimum=1)
SGPORTAL_SHARDS = env_int("SGPORTAL_SHARDS", 1, minimum=1)
SGPORTAL_DRY_RUN_SECONDS = env_int("SGPORTAL_DRY_RUN_SECONDS", 2)
SGPORTAL_INSTALL_CRDS = env_bool("SGPORTAL_INSTALL_CRDS", True)
SGPORTAL_METRICS_OPEN = env_bool("SGPORTAL_METRICS_OPEN", False)
SGPORTAL_POD_LOGS = env_choice("SGPORTAL_POD_LOGS", "none", ("none", "viewer", "operator", "admin"))
SGPORTAL_EXEC = env_choice("SGPORTAL_EXEC", "none", ("none", "operator", "admin"))
SGPORTAL_METRICS_SERVER = env_bool("SGPORTAL_METRICS_SERVER", False)
SGPORTAL_PROMETHEUS_URL = server_url("SGPORTAL_PROMETHEUS_URL", env_str("SGPORTAL_PROMETHEUS_URL", ""))
SGPORTAL_PROMETHEUS_TOKEN_FILE = env_str("SGPORTAL_PROMETHEUS_TOKEN_FILE", "")
SGPORTAL_USAGE_SECONDS = env_int("SGPORTAL_USAGE_SECONDS", 60, minimum=15)
SGPORTAL_STALE_SECONDS = env_int("SGPORTAL_STALE_SECONDS", 60, minimum=5)

# Whose password alone opens nothing (docs/access/README.md).
SGPORTAL_SECOND_FACTOR = env_choice("SGPORTAL_SECOND_FACTOR", "optional", ("optional", "admins", "everyone"))

# What a person may only do after another has approved it (docs/access/README.md).
SGPORTAL_FOUR_EYES = some_of("SGPORTAL_FOUR_EYES", env_list("SGPORTAL_FOUR_EYES"), ACTIONS)
SGPORTAL_FOUR_EYES_SECONDS = env_int("SGPORTAL_FOUR_EYES_SECONDS", 86400, minimum=60)

# In whose name the portal asks the cluster for what a person does at once (docs/access/README.md).
SGPORTAL_IMPERSONATE = env_bool("SGPORTAL_IMPERSONATE", False)
SGPORTAL_IMPERSONATE_PREFIX = prefix(env_str("SGPORTAL_IMPERSONATE_PREFIX", "sgportal:"))

# Log-in at an OpenID Connect provider, beside local users; off without an issuer (docs/access/README.md).
SGPORTAL_OIDC_ISSUER = env_str("SGPORTAL_OIDC_ISSUER", "")
SGPORTAL_OIDC_CLIENT_ID = env_str("SGPORTAL_OIDC_CLIENT_ID", "")
SGPORTAL_OIDC_CLIENT_SECRET = env_str("SGPORTAL_OIDC_CLIENT_SECRET", "")
SGPORTAL_OIDC_NAME = env_str("SGPORTAL_OIDC_NAME", "OpenID Connect")
SGPORTAL_OIDC_SCOPES = env_str("SGPORTAL_OIDC_SCOPES", "openid profile email groups")
SGPORTAL_OIDC_USERNAME_CLAIM = env_str("SGPORTAL_OIDC_USERNAME_CLAIM", "preferred_username")
SGPORTAL_OIDC_GROUPS_CLAIM = env_str("SGPORTAL_OIDC_GROUPS_CLAIM", "groups")
SGPORTAL_OIDC_SESSION_SECONDS = env_int("SGPORTAL_OIDC_SESSION_SECONDS", 3600, minimum=60)
SGPORTAL_OIDC_TOKEN_DAYS = env_int("SGPORTAL_OIDC_TOKEN_DAYS", 7, minimum=1)

INSTALLED_APPS = [
    "sgportal.apps.Administration",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "template_partials",
    "django_ace",
    "csp",
    "sgportal.apps.Portal",
]

MIDDLEWARE = [
    "sgportal.logs.requests.identified",
    "sgportal.access.address.client_address",
    "django.middleware.security.SecurityMiddleware",
    "sgportal.static_files.StaticFiles",
    "sgportal.compression.Compression",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "sgportal.collector.resting",
]

ROOT_URLCONF = "sgportal.urls"
ASGI_APPLICATION = "sgportal.asgi.application"
_LOADERS = ["sgportal.dashboard.page.loader.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ASSETS / "templates"],
        "OPTIONS": {
            "loaders": [("template_partials.loader.Loader", [("django.template.loaders.cached.Loader", _LOADERS)])],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sgportal.dashboard.context.around",
            ],
            "builtins": [
                "sgportal.dashboard.page.tags",
                "sgportal.dashboard.page.plan_tags",
                "sgportal.dashboard.page.pod_tags",
                "sgportal.dashboard.page.parts.list_tags",
                "sgportal.dashboard.page.parts.toasts",
                "sgportal.dashboard.page.parts.usage_tags",
                "sgportal.dashboard.people.bookmark_tags",
                "template_partials.templatetags.partials",
            ],
        },
    }
]

# Languages. Kubernetes' own nouns stay English in both.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("简体中文"))]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: from wheels and static/, served by WhiteNoise; the editor loads its modes by unhashed path.
STATIC_URL = "static/"
STATIC_ROOT = Path(env_str("STATIC_ROOT", str(STATE / "staticfiles")))
STATICFILES_DIRS = [ASSETS / "static"]
WHITENOISE_USE_FINDERS = env_bool("SGPORTAL_STATIC_FROM_SOURCE", False)
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Log-in and browser safety. TLS ends at a proxy in front; TLS=1 says that it is there.
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
_TLS = env_bool("SGPORTAL_TLS", True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _TLS
SECURE_HSTS_SECONDS = 31536000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _TLS
# Whose word on the client's address and scheme is believed (sgportal/access/address.py takes away anybody else's).
SGPORTAL_TRUSTED_PROXIES = proxies(env_list("SGPORTAL_TRUSTED_PROXIES"))
SGPORTAL_TRUST_PROXY = env_bool("SGPORTAL_TRUST_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
AUTHENTICATION_BACKENDS = ["sgportal.access.backend.BrakedBackend"]
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sgportal.api.http.auth.TokenAuthentication",
        "sgportal.api.http.auth.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["sgportal.api.http.auth.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": [
        "sgportal.api.http.media_types.JSONRenderer",
        "sgportal.api.http.media_types.YAMLRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["sgportal.api.http.media_types.ManifestParser"],
    "DEFAULT_SCHEMA_CLASS": "sgportal.api.description.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "sgportal.api.http.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "sgportal",
    "DESCRIPTION": "Label nodes, submit a workload once, see one per site.",
    "VERSION": "v1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        }
    },
}

# Celery: the message is a hint, the row is the truth (sgportal/reconciler). No results are kept. A worker begins the
# consumer anew whatever happens to it (reconciler/consumer), so Celery itself tries nothing again.
CELERY_BROKER_URL = env_str("CELERY_BROKER_URL", "")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY = CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "global_keyprefix": "sgportal:",
    }
    if CELERY_BROKER_URL.startswith(REDIS)
    else {"polling_interval": 0.02}
)

# What processes share besides rows (how often somebody may write): in Redis where there is one.
CACHES = caches(env_str("SGPORTAL_CACHE_URL", CELERY_BROKER_URL if CELERY_BROKER_URL.startswith(REDIS) else ""))

# What processes log (sgportal/logs).
LOGGING_CONFIG = "sgportal.logs.configure"
LOGGING = configuration(
    env_choice("LOG_FORMAT", "text", FORMATS), env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
)
name_cluster(SGPORTAL_CLUSTER_NAME or SGPORTAL_CLUSTER)
