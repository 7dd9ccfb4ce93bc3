"""Settings of the Django project, all from the environment (docs/settings.md lists them)."""

import zoneinfo
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from vclsite import environment
from vclsite.database import database

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Django -----------------------------------------------------------------------------------
DEBUG = environment.flag("DJANGO_DEBUG", default=False)
SECRET_KEY = environment.text("DJANGO_SECRET_KEY", "only-for-the-demo-site-set-DJANGO_SECRET_KEY-for-your-own")
ALLOWED_HOSTS = environment.words("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
ROOT_URLCONF = "vclsite.urls"
WSGI_APPLICATION = "vclsite.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "blockalloc",
    "scheduling",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
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
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step needed on the demo site
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False  # a redirected XML-RPC POST would lose its body

# --- Database and time ------------------------------------------------------------------------
_DATABASE_URL = environment.text("DATABASE_URL", "")
if not _DATABASE_URL:
    (BASE_DIR / "var").mkdir(exist_ok=True)  # SQLite makes the file, but no folder
    _DATABASE_URL = f"sqlite:///{BASE_DIR / 'var' / 'demo.sqlite3'}"
VCL_GUARD_WAIT_SECONDS = environment.whole_number("VCL_GUARD_WAIT_SECONDS", 20, low=1, high=600)
DATABASES = {"default": database(_DATABASE_URL, VCL_GUARD_WAIT_SECONDS)}

USE_TZ = True
TIME_ZONE = environment.text("VCL_TIME_ZONE", "UTC")
if TIME_ZONE not in zoneinfo.available_timezones():
    raise ImproperlyConfigured(f"VCL_TIME_ZONE={TIME_ZONE!r}: use a name such as America/New_York or Europe/Berlin")
LANGUAGE_CODE = "en"
USE_I18N = False

# --- The service ------------------------------------------------------------------------------
VCL_BLOCK_API_USERS = environment.words("VCL_BLOCK_API_USERS", "vclsystem@Local")
# blockRequest.numMachines is an unsigned tinyint: 255 is the most that a block can hold.
VCL_MAX_BLOCK_MACHINES = environment.whole_number("VCL_MAX_BLOCK_MACHINES", 70, low=1, high=255)
VCL_MIN_BLOCK_MACHINES = environment.whole_number("VCL_MIN_BLOCK_MACHINES", 1, low=1, high=VCL_MAX_BLOCK_MACHINES)
VCL_ALLOW_PLAIN_HTTP = environment.flag("VCL_ALLOW_PLAIN_HTTP", default=False)
VCL_TRUSTED_PROXIES = environment.networks("VCL_TRUSTED_PROXIES")
VCL_SEMAPHORE_SECONDS = environment.whole_number("VCL_SEMAPHORE_SECONDS", 45, low=1, high=3600)
VCL_IDEMPOTENCY_DAYS = environment.whole_number("VCL_IDEMPOTENCY_DAYS", 7, low=1, high=3650)
VCL_MAX_BODY_BYTES = environment.whole_number("VCL_MAX_BODY_BYTES", 65536, low=1024, high=10_000_000)

MODERNRPC_XML_DESERIALIZER = {"class": "blockalloc.rpc.wire.StrictDeserializer", "kwargs": {}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"blockalloc": {"handlers": ["stderr"], "level": "INFO"}},
}
