"""One set of settings; where a service has no URL in the environment, the embedded one is used."""

import logging
import secrets
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from redis.backoff import NoBackoff
from redis.retry import Retry

from stratford import browser, embedded, limits, logs, openapi, passwords, schedule, scopes, social
from stratford.trading import *  # noqa: F403 - they are settings like those below
from stratford.venues import alpaca

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where the services are -------------------------------------------------------------------

EMBEDDED = embedded.in_use()
VAR_DIR = embedded.var_folder()
if EMBEDDED:
    for variable, address in embedded.addresses(VAR_DIR).items():
        env.ENVIRON.setdefault(variable, address)

REDIS_URL = env.str("REDIS_URL")
MONGO_URL = env.str("MONGO_URL")
# A trial inside one machine's own network may do without TLS; `check --deploy` then only warns.
ALLOW_PLAINTEXT_SERVICES = env.bool("ALLOW_PLAINTEXT_SERVICES", default=False)
# The virus scanner of uploads: tcp://host:3310 or unix:///path; without one, a test signature only.
CLAMD_URL = env.str("CLAMD_URL", default="")
KMS_URL = env.str("KMS_URL", default=f"file://{VAR_DIR}/keys")
# The provider that KMS_URL took over from, until keys_rotate has run.
KMS_PREVIOUS_URL = env.str("KMS_PREVIOUS_URL", default="")
AUDIT_KEY_URL = env.str("AUDIT_KEY_URL", default=KMS_URL)
DATABASE_OPTIONS: dict[str, Any] = {
    "pool": {"min_size": 0, "max_size": 12, "timeout": 5},
    # Prepared statements are planned once: their indexes do not depend on what they are asked.
    "options": "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"
    " -c plan_cache_mode=force_generic_plan",
    "connect_timeout": 3,
    "prepare_threshold": 5,
}


def _database(name: str, engine: str) -> dict[str, Any]:
    """Migrations run as the tables' owner, everything else as the application's role."""
    as_owner = env.str("STRATFORD_DATABASE_ROLE", default="app") == "owner"
    variable = (
        f"{name}_OWNER_URL" if as_owner and f"{name}_OWNER_URL" in env.ENVIRON else f"{name}_URL"
    )
    parsed = env.db_url(variable)
    return {
        **parsed,
        "ENGINE": engine,
        "CONN_HEALTH_CHECKS": True,
        # What the address says of TLS (sslmode, sslrootcert) stays in force.
        "OPTIONS": {**parsed.get("OPTIONS", {}), **DATABASE_OPTIONS},
        "TEST": {"MIGRATE": True},
    }


DATABASES = {
    "default": _database("DATABASE", "django.db.backends.postgresql"),
    "timescale": _database("TIMESCALE", "apps.infrastructure.timescale"),
}
DATABASE_ROUTERS = ["stratford.routers.TimeSeriesRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "stratford",
        "OPTIONS": {
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "retry": Retry(NoBackoff(), 1),
        },
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "capacity": 1000, "expiry": 30},
    }
}


def _secret_key() -> str:
    """Return the deployment's key; the embedded default makes one and keeps it in its folder."""
    if "DJANGO_SECRET_KEY" in env.ENVIRON or not EMBEDDED:
        return str(env.str("DJANGO_SECRET_KEY"))
    return embedded.remembered(VAR_DIR / "secret_key", lambda: secrets.token_urlsafe(64))


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")

# --- Applications -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "stratford.apps.StratfordAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "timescale",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_htmx",
    "django_otp",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "django_prometheus",
    "django_structlog",
    "apps.core",
    "apps.infrastructure",
    "apps.audit",
    "apps.users",
    "apps.market",
    "apps.ledger",
    "apps.trading",
    "apps.compliance",
    "apps.analytics",
    "apps.notifications",
    "apps.portal",
]

# The request pipeline, outermost first; docs/security.md says what each part stops.
MIDDLEWARE = [
    # Around everything: headers and an answer whatever happens, an id, a line in the log, figures.
    "apps.infrastructure.middleware.security_headers",
    "apps.infrastructure.middleware.last_resort",
    "apps.infrastructure.proxies.trusted_proxies",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "apps.infrastructure.middleware.request_id",
    "apps.infrastructure.middleware.RequestLog",
    "apps.infrastructure.middleware.api_metrics",
    # 1. CORS
    "corsheaders.middleware.CorsMiddleware",
    # 2. Security headers and transport
    "apps.infrastructure.shield.https_for_api",
    "django.middleware.security.SecurityMiddleware",
    "apps.infrastructure.csp.ContentSecurityPolicy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # 3. Rate limits
    "apps.infrastructure.middleware.rate_limit",
    # 4. CSRF and other requests that our own pages do not send
    "apps.infrastructure.shield.known_methods",
    "apps.infrastructure.shield.own_pages_only",
    "apps.users.middleware.PortalSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    # 5. Authentication (the API's: REST_FRAMEWORK)
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "apps.users.middleware.SecondFactorMiddleware",
    "apps.users.middleware.AuthorisationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
    # 10. Audit of access; between: authorisation, validation, command or query, response
    "apps.audit.middleware.access_audit",
]

# Where reads by staff are recorded, and the views there that show nobody's data.
ACCESS_AUDITED = ("/admin/", "/api/", "/clients/")
ACCESS_NOT_AUDITED = ("admin:index", "admin:jsi18n", "schema", "api-docs", "account")

ROOT_URLCONF = "stratford.urls"
ASGI_APPLICATION = "stratford.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.infrastructure.csp.nonce",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# The embedded default serves the source files; a deployment collects them into its image.
STATIC_ROOT = None if EMBEDDED else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = EMBEDDED

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "stratford.formats"
USE_TZ = USE_THOUSAND_SEPARATOR = True

# --- Who may come in --------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "apps.users.backends.RoleBackend",
]
# The secret from which the key of the API's access tokens is derived.
JWT_SIGNING_KEY = env.str("JWT_SIGNING_KEY", default=SECRET_KEY)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
# A file of SHA-1 hashes sorted by hash (Pwned Passwords) beside the lists that are packaged.
BREACHED_PASSWORDS_FILE = env.str("BREACHED_PASSWORDS_FILE", default="")
AUTH_PASSWORD_VALIDATORS = passwords.VALIDATORS
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.users.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "apps.users.forms.SignupForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if EMBEDDED else "https"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Stratford: "
ACCOUNT_SESSION_REMEMBER = False
# How long the link of a password reset lives.
PASSWORD_RESET_TIMEOUT = 3600
# Identity providers (OpenID Connect) of clients; none by default.
SOCIAL_PROVIDERS = social.providers(env.str("SOCIAL_PROVIDERS", default=""), allow_http=EMBEDDED)
# How long a proven second factor counts for what needs a fresh one.
STEP_UP_SECONDS = 300
# Passkeys are bound to this origin; browsers take names only, so the demo's is not an address.
WEBAUTHN_ORIGIN = env.str(
    "WEBAUTHN_ORIGIN", default=PUBLIC_URL.replace("//127.0.0.1", "//localhost")
)
# Whether staff need a passkey or security key: codes of an app then open nothing for them.
STAFF_NEED_PASSKEY = env.bool("STAFF_NEED_PASSKEY", default=False)

# A session (of the portal or of the API) ends when it was not used for so long, and after so long
# however much it is used.
SESSION_IDLE_SECONDS = {
    "client": env.int("SESSION_IDLE_SECONDS_CLIENT", default=1800),
    "staff": env.int("SESSION_IDLE_SECONDS_STAFF", default=900),
}
SESSION_COOKIE_AGE = env.int("SESSION_ABSOLUTE_SECONDS", default=12 * 3600)
SESSION_ENGINE = "apps.users.backends"
# Networks (CIDR) of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
# Cookies, TLS, content security policy.
BASELINE_HEADERS: dict[str, str] = browser.BASELINE_HEADERS
vars().update(browser.settings(is_embedded=EMBEDDED))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 5

# --- The API ----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # 5. Authentication
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.users.authentication.ApiKeyAuthentication",
        "apps.users.authentication.JWTAuthentication",
        "apps.users.authentication.SessionAuthentication",
    ],
    # 6. Authorisation (the pages': AuthorisationMiddleware)
    "DEFAULT_PERMISSION_CLASSES": ["apps.users.access.OperationPermission"],
    # 7. Validation, with the serializers of the views (8. is the command or query they call)
    "DEFAULT_PARSER_CLASSES": ["apps.infrastructure.api.parsers.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    # 9. Response
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "apps.infrastructure.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "apps.infrastructure.api.schema.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "apps.infrastructure.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# What API keys may do, by operation; the operations that are not named are closed to them.
API_KEY_OPERATIONS, API_KEY_CHANNELS = scopes.OPERATIONS, scopes.CHANNELS
API_KEY_SCOPES = scopes.DESCRIPTIONS
SPECTACULAR_SETTINGS = openapi.settings()

# --- Work in the background -------------------------------------------------------------------

CONTEXT_QUEUES = ("audit", "market", "trading", "compliance", "analytics", "notifications")
CELERY_BROKER_URL = REDIS_URL
if REDIS_URL.startswith("unix://"):
    CELERY_BROKER_URL = REDIS_URL.replace("unix:", "redis+socket:", 1).replace(
        "?db=", "?virtual_host="
    )
CELERY_TASK_DEFAULT_QUEUE = "audit"
CELERY_TASK_ROUTES = {f"{name}.*": {"queue": name} for name in CONTEXT_QUEUES}
CELERY_BEAT_SCHEDULE = schedule.BEAT

# The live venue; without one there is no live trading.
ALPACA: dict[str, Any] = alpaca(env, is_embedded=EMBEDDED)

# --- Webhooks ---------------------------------------------------------------------------------

# Networks (CIDR) inside that webhooks may reach, over plain HTTP too: for the embedded default.
OUTBOUND_INSIDE: list[str] = env.list("OUTBOUND_INSIDE", default=[]) if EMBEDDED else []
# Certificates that outgoing calls believe, as a file; "" is the system's.
OUTBOUND_CA_FILE = env.str("OUTBOUND_CA_FILE", default="")
WEBHOOKS: dict[str, Any] = limits.WEBHOOKS

# --- The market -------------------------------------------------------------------------------

# "replay" plays real daily bars again as ticks, round the clock, and says so on every quote.
MARKET_PROVIDER = env.str("MARKET_PROVIDER", default="replay")
# The days that are replayed; in this window every packaged symbol has a bar.
REPLAY_DAYS = ("2012-05-18", "2013-03-01")
LIVE_FEED: dict[str, Any] = limits.LIVE_FEED
# The ECB's history of reference rates (eurofxref-hist, CSV or zipped); "" is the packaged file.
FX_RATES_FILE = env.str("FX_RATES_FILE", default="")
# How far back a day without a rate may look: past holidays, and as far as the packaged file ends.
FX_RATE_MAX_AGE_DAYS = 3660 if EMBEDDED and not FX_RATES_FILE else 7
TICK_RETENTION_DAYS = env.int("TICK_RETENTION_DAYS", default=7)

# --- Limits and health ------------------------------------------------------------------------

RATELIMIT_ENABLE = env.bool("RATELIMIT_ENABLE", default=True)
# What the limits are: stratford/limits.py.
RATE_LIMITS: dict[str, str] = limits.RATE_LIMITS
RATE_LIMIT_SIGN_IN_PATHS: tuple[str, ...] = limits.RATE_LIMIT_SIGN_IN_PATHS
RATELIMIT_IPV6_MASK = limits.IPV6_MASK
ACCOUNT_RATE_LIMITS = limits.ALLAUTH
SIGN_IN_LIMITS: dict[str, tuple[int, int]] = limits.SIGN_IN
CODE_LIMITS: dict[str, tuple[int, int]] = limits.CODES
EMAIL_CHANGE_LIMIT: tuple[int, int] = limits.EMAIL_CHANGE
KNOWN_DAYS: int = limits.KNOWN_DAYS
API_KEYS: dict[str, int] = limits.API_KEYS
HEALTH_CHECKS = {
    "database": "apps.infrastructure.health.check_database",
    "time_series": "apps.infrastructure.health.check_time_series",
    "redis": "apps.infrastructure.health.check_redis",
    "documents": "apps.infrastructure.health.check_documents",
    "background_jobs": "apps.infrastructure.health.check_background_jobs",
    "outbox": "apps.audit.selectors.check_outbox",
    "quote_feed": "apps.market.selectors.check_feed",
    "live_venue": "apps.trading.selectors.venues.check_live_venue",
}
# Ages that the health checks measure, by the name of their metric.
HEALTH_METRICS = {
    "outbox": "outbox_lag_seconds",
    "quote_feed": "quote_feed_age_seconds",
    "live_venue": "live_venue_age_seconds",
}
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_TRUST_UPSTREAM_CORRELATION_ID = True

# Real lists to run against; without the folder the project's own samples are used.
_REFERENCE_FOLDER = BASE_DIR.parent / "shared" / "data"
REFERENCE_DATA = env.str(
    "STRATFORD_REFERENCE_DATA", default=str(_REFERENCE_FOLDER) if _REFERENCE_FOLDER.exists() else ""
)

# --- Mail, logs -------------------------------------------------------------------------------

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
if "EMAIL_URL" in env.ENVIRON:
    vars().update(env.email_url("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Stratford <no-reply@stratford.example>")

LOGGING = logs.configure()
