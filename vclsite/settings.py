"""Settings of the Django project, from the environment and from the settings file (docs/settings.md lists them)."""

import zoneinfo
from pathlib import Path

from csp.constants import NONE, SELF

from vclsite import environment, front_end, monitoring, notifications, production
from vclsite.database import NO_DATABASE, database
from vclsite.logs import config as logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Django -----------------------------------------------------------------------------------
DEBUG = environment.flag("DJANGO_DEBUG", default=False)
SECRET_KEY = environment.text("DJANGO_SECRET_KEY", production.DEMO_SECRET_KEY)
ALLOWED_HOSTS = environment.words("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
ROOT_URLCONF = "vclsite.urls"
WSGI_APPLICATION = "vclsite.wsgi.application"
INSTALLED_APPS = [
    "blockalloc.apps.StaffAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "blockalloc.apps.BlockAllocConfig",
    "scheduling",
]
MIDDLEWARE = [
    "blockalloc.web.middleware.RequestIdMiddleware",  # first: every answer and every log line has the id
    "blockalloc.web.middleware.TrustedProxyMiddleware",  # all others ask whether the request came by HTTPS
    "blockalloc.web.middleware.AskedByAddressMiddleware",  # before anything asks for the host name
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "blockalloc.rpc.misdirected.MisdirectedCallMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
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
            ],
        },
    },
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "blockalloc.accounts.staff_accounts.VclAccountBackend",
]
SESSION_ENGINE = "blockalloc.accounts.sessions"
STATIC_URL = "static/"
# A release has its files here, with hashed names that browsers may keep for ever. A checkout has no such folder: its
# files are found where they are.
_COLLECTED = (BASE_DIR / "static").is_dir()
STATIC_ROOT = BASE_DIR / "static" if _COLLECTED else None
WHITENOISE_USE_FINDERS = not _COLLECTED
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False  # a redirected XML-RPC POST would lose its body

# --- Database and time ------------------------------------------------------------------------
BLOCKALLOC_DEMO = environment.is_demo()
_DEMO_FILE = BASE_DIR / "var" / "demo.sqlite3"
_DATABASE_URL = environment.database_url(demo=f"sqlite:///{_DEMO_FILE}")
if _DATABASE_URL.endswith(str(_DEMO_FILE)):
    _DEMO_FILE.parent.mkdir(exist_ok=True)  # SQLite makes the file, but no folder
VCL_GUARD_WAIT_SECONDS = environment.whole_number("VCL_GUARD_WAIT_SECONDS", 20, low=1, high=600)
DATABASES = {"default": NO_DATABASE}
if _DATABASE_URL:
    DATABASES["default"] = environment.checked(
        "DATABASE_URL",
        lambda: database(_DATABASE_URL, VCL_GUARD_WAIT_SECONDS, environment.database_setting()),
        NO_DATABASE,
    )

# The lock-outs, shared by all workers. They are written by `add`, which never removes entries that
# still count: many failures from many addresses end nobody's lock-out. (Django's `set`, which nothing
# here uses, would do so beyond MAX_ENTRIES: a site has no more, unless it is under attack.)
CACHES = {
    "default": {
        "BACKEND": "blockalloc.store.cache.PlainValueCache",
        "LOCATION": "blockalloc_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

USE_TZ = True
TIME_ZONE = environment.text("VCL_TIME_ZONE", "UTC")
if TIME_ZONE not in zoneinfo.available_timezones():
    environment.problem(
        "VCL_TIME_ZONE", f"VCL_TIME_ZONE={TIME_ZONE!r}: use a name such as America/New_York or Europe/Berlin"
    )
    TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

# --- The service ------------------------------------------------------------------------------
VCL_BLOCK_API_USERS = environment.words("VCL_BLOCK_API_USERS", "vclsystem@Local")
# blockRequest.numMachines is an unsigned tinyint: 255 is the most that a block can have.
VCL_MAX_BLOCK_MACHINES = environment.whole_number("VCL_MAX_BLOCK_MACHINES", 70, low=1, high=255)
VCL_MIN_BLOCK_MACHINES = environment.whole_number("VCL_MIN_BLOCK_MACHINES", 1, low=1, high=VCL_MAX_BLOCK_MACHINES)
VCL_ALLOW_PLAIN_HTTP = environment.flag("VCL_ALLOW_PLAIN_HTTP", default=False)
VCL_TRUSTED_PROXIES = environment.networks("VCL_TRUSTED_PROXIES")
VCL_SEMAPHORE_SECONDS = environment.whole_number("VCL_SEMAPHORE_SECONDS", 45, low=1, high=3600)
VCL_LISTING_SECONDS = environment.whole_number(
    "VCL_LISTING_SECONDS", min(5, VCL_SEMAPHORE_SECONDS), low=1, high=VCL_SEMAPHORE_SECONDS
)
VCL_IDEMPOTENCY_DAYS = environment.whole_number("VCL_IDEMPOTENCY_DAYS", 7, low=1, high=3650)
VCL_DECISION_DAYS = environment.whole_number("VCL_DECISION_DAYS", 730, low=1, high=36500)
VCL_KEEP_READY_HOURS = environment.whole_number("VCL_KEEP_READY_HOURS", 6, low=1, high=48)
VCL_FORECAST_DAYS = environment.whole_number("VCL_FORECAST_DAYS", 120, low=8, high=400)
VCL_RELOAD_POLICY = environment.one_of("VCL_RELOAD_POLICY", "ready", "vcl")
VCL_READY_TARGET = environment.share("VCL_READY_TARGET", 0.95, low=0.5, high=0.999)
VCL_SPARES = environment.one_of("VCL_SPARES", "off", "auto")
VCL_LOADS_PER_NODE = environment.whole_number("VCL_LOADS_PER_NODE", 0, low=0, high=1000)
VCL_LOADS_PER_HOST = environment.whole_number("VCL_LOADS_PER_HOST", 4, low=0, high=1000)
VCL_SEEN_LOAD_DAYS = environment.whole_number("VCL_SEEN_LOAD_DAYS", 400, low=3, high=36500)
VCL_LOAD_TIME_HOURS = environment.whole_number("VCL_LOAD_TIME_HOURS", 0, low=0, high=168)
VCL_LOCKOUT_FAILURES = environment.whole_number("VCL_LOCKOUT_FAILURES", 20, low=1, high=1000)
VCL_LOCKOUT_SECONDS = environment.whole_number("VCL_LOCKOUT_SECONDS", 300, low=1, high=86400)
VCL_MAX_BODY_BYTES = environment.whole_number("VCL_MAX_BODY_BYTES", 65536, low=1024, high=10_000_000)
VCL_LOG_FORMAT = environment.one_of("VCL_LOG_FORMAT", logs.TEXT, logs.JSON)

# --- VCL's front end ---------------------------------------------------------------------------
VCL_FRONT_END_URL = front_end.address("VCL_FRONT_END_URL", plain_http=VCL_ALLOW_PLAIN_HTTP)
VCL_FRONT_END_METHODS = front_end.methods("VCL_FRONT_END_METHODS")
VCL_FRONT_END_CA = front_end.certificates("VCL_FRONT_END_CA")

# --- Notifications -----------------------------------------------------------------------------
VCL_SERVICE_URL = notifications.service_url("VCL_SERVICE_URL", ALLOWED_HOSTS)
VCL_SMTP_URL = notifications.mail_server("VCL_SMTP_URL")
VCL_MAIL_FROM = notifications.sender("VCL_MAIL_FROM", ALLOWED_HOSTS)
VCL_SITE_MAIL = notifications.addresses("VCL_SITE_MAIL")
VCL_BACK_END_MAILS = environment.flag("VCL_BACK_END_MAILS", default=True)
VCL_MAILS_PER_HOUR = environment.whole_number("VCL_MAILS_PER_HOUR", 12, low=1, high=1000)
VCL_SUMMARY_TIME = notifications.time_of_day("VCL_SUMMARY_TIME", "07:00")
VCL_MESSAGE_DAYS = environment.whole_number("VCL_MESSAGE_DAYS", 90, low=1, high=36500)
VCL_WEBHOOK_PRIVATE_ADDRESSES = environment.flag("VCL_WEBHOOK_PRIVATE_ADDRESSES", default=False)
VCL_WEBHOOK_URL = notifications.webhooks("VCL_WEBHOOK_URL", private_addresses=VCL_WEBHOOK_PRIVATE_ADDRESSES)
VCL_WEBHOOK_SECRET = notifications.webhook_secret("VCL_WEBHOOK_SECRET", VCL_WEBHOOK_URL)

# --- Monitoring --------------------------------------------------------------------------------
VCL_METRICS_NETWORKS = environment.networks("VCL_METRICS_NETWORKS", "127.0.0.1,::1")
VCL_METRICS_TOKEN = monitoring.token("VCL_METRICS_TOKEN")
VCL_METRICS_DIR = environment.text("VCL_METRICS_DIR", monitoring.METRICS_DIR)

MODERNRPC_XML_DESERIALIZER = {"class": "blockalloc.rpc.wire.StrictDeserializer", "kwargs": {}}

# --- Safety -----------------------------------------------------------------------------------
PRODUCTION = DATABASES["default"] is not NO_DATABASE and not production.is_demo_site(
    DATABASES["default"]["ENGINE"], ALLOWED_HOSTS
)
_ALLOW_UNSAFE = environment.flag("VCL_ALLOW_UNSAFE_SETTINGS", default=False)
if PRODUCTION and not _ALLOW_UNSAFE:
    _unsafe = production.unsafe_settings(secret_key=SECRET_KEY, debug=DEBUG, plain_http=VCL_ALLOW_PLAIN_HTTP)
    if _unsafe:
        environment.problem("VCL_ALLOW_UNSAFE_SETTINGS", _unsafe)
environment.refuse_problems()

_HTTPS_ONLY = PRODUCTION and not VCL_ALLOW_PLAIN_HTTP
# Browsers are redirected to HTTPS. Back ends are not: they would lose the call's body, and get fault 4 instead.
SECURE_SSL_REDIRECT = _HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^xmlrpc/?$", r"^(?:.*/)?index\.php$", r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 86400 if _HTTPS_ONLY else 0
# Not for subdomains, and not for browsers' built-in lists: computers of the site may have names below the
# service's own, and whether they speak HTTPS is not this service's business.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# A session ends with the browser, and with the working day. The prefix of the names makes browsers
# refuse such cookies from other hosts of the domain and over plain HTTP.
_COOKIE_PREFIX = "__Host-" if _HTTPS_ONLY else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}sessionid"
SESSION_COOKIE_AGE = 10 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = _HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # a link in a mail may lead to a page
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = _HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"

LOGGING = logs.of_django(VCL_LOG_FORMAT)
