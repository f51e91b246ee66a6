"""Django's settings, built once from the typed settings of the platform and of each app."""

from pathlib import Path
from typing import Any

import dj_database_url

from apps.api.conf import ApiSettings, WebSettings, export_slots
from apps.api.openapi.schemas import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401
from apps.cloudwatch.conf import CloudWatchSettings
from apps.console import theme
from apps.datasets.conf import DatasetsSettings
from apps.fleet.conf import FleetSettings
from apps.ingest.adapters.answer_deadline import deadline_connection
from apps.ingest.conf import IngestSettings, KafkaSettings
from apps.monitoring.conf import GrafanaSettings
from apps.telemetry.conf import MonitoringSettings, TracingSettings
from apps.telemetry.environment import load
from apps.telemetry.prometheus import enable_multiprocess_metrics
from apps.telemetry.tracing.current import start_tracing
from config import sqs
from config.conf import PlatformSettings

ANDEN = load(PlatformSettings)
DATASETS = load(DatasetsSettings)
INGEST = load(IngestSettings)
KAFKA = load(KafkaSettings)
API = load(ApiSettings)
WEB = load(WebSettings)
EXPORT_SLOTS = export_slots(API, WEB)
MONITORING = load(MonitoringSettings)
GRAFANA = load(GrafanaSettings)
CLOUDWATCH = load(CloudWatchSettings)
FLEET = load(FleetSettings)
TRACING = load(TracingSettings)
start_tracing(
    endpoint=str(TRACING.endpoint) if TRACING.endpoint else None,
    sample_ratio=TRACING.sample_ratio,
    service=TRACING.service,
)
enable_multiprocess_metrics(
    MONITORING.metrics_folder
)  # before any metric is declared, django-prometheus's own included

BASE_DIR = Path(__file__).resolve().parent.parent.parent
SECRET_KEY = ANDEN.secret_key.get_secret_value()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in ANDEN.secret_key_fallbacks]
DEBUG = ANDEN.debug
ALLOWED_HOSTS = list(ANDEN.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ANDEN.csrf_trusted_origins)

INSTALLED_APPS = [
    "apps.console",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_prometheus",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.telemetry",
    "apps.jobs",
    "apps.datasets",
    "apps.ingest",
    "apps.api",
    "apps.cloudwatch",
    "apps.fleet",
    "apps.monitoring",
]

MIDDLEWARE = [
    "apps.telemetry.middleware.MonitoringEndpointsMiddleware",
    "apps.telemetry.middleware.RequestTracingMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
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


def _database(url: str, role: str) -> dict[str, Any]:
    """Django's DATABASES entry for one role, with an application name and a connect timeout."""
    database: dict[str, Any] = dict(dj_database_url.parse(url, engine="django.db.backends.postgresql"))
    options = {"application_name": f"anden-{role}", "connect_timeout": 5, **database.get("OPTIONS", {})}
    if role in {"app", "reader", "writer"}:
        options["prepare_threshold"] = 5  # Django's own cursors never prepare; the API's queries do
        if ANDEN.database_pool:
            # With a short reconnect timeout, the next request tries again; otherwise the pool's pauses keep growing.
            options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 5, "reconnect_timeout": 3}
    if role == "ingest":
        options["connection_class"] = deadline_connection(INGEST.statement_deadline_s)
    engine = "apps.telemetry.postgresql"
    # Between requests only a pool keeps connections. Workers, which query every few seconds, keep theirs.
    max_age_s = None if role == "ingest" else 0
    return {**database, "ENGINE": engine, "OPTIONS": options, "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": max_age_s}


DATABASES = {"default" if role == "app" else role: _database(url, role) for role, url in ANDEN.database_urls().items()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

UNFOLD = theme.UNFOLD
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = ["apps.console.formats"]
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = ANDEN.static_root
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ANDEN.https
SECURE_HSTS_SECONDS = 31_536_000 if ANDEN.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ANDEN.https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ANDEN.https else None
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]

CELERY_BROKER_URL = ANDEN.celery_broker_url.get_secret_value()
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(ANDEN.celery_folder / "queue"),
        "data_folder_out": str(ANDEN.celery_folder / "queue"),
        "control_folder": str(ANDEN.celery_folder / "control"),
        "store_processed": False,
    }
elif ANDEN.celery_queue_url and CELERY_BROKER_URL.startswith("sqs:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = sqs.transport_options(ANDEN.celery_queue_url)
    CELERY_TASK_DEFAULT_QUEUE = sqs.queue_name(ANDEN.celery_queue_url)
    # Remote control would create a queue per worker, which the role must not.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "record beat heartbeat": {"task": "datasets.heartbeat", "schedule": 60},
    "create ledger partitions": {"task": "datasets.ensure_ledger_days", "schedule": 3_600},
    "drop expired ledger partitions": {"task": "datasets.drop_ledger_days", "schedule": 86_400},
    "purge old tombstones": {"task": "datasets.purge_tombstones", "schedule": 86_400},
    "recover abandoned jobs": {"task": "jobs.sweep", "schedule": 30},
    "purge old fleet evaluations": {"task": "monitoring.purge_fleet", "schedule": 86_400},
    "count jobs": {"task": "jobs.count", "schedule": 60},
    "detect Grafana drift": {"task": "monitoring.detect_drift", "schedule": GRAFANA.drift_interval_s},
}
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"

# django-prometheus's buckets start at 10 ms, but a page of records takes less.
PROMETHEUS_LATENCY_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, float("inf"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s%(in_request)s %(message)s"}},
    "filters": {
        "request": {"()": "apps.telemetry.request_ids.RequestIdFilter"},
        "not ready": {"()": "apps.telemetry.readiness_log.NotReadyFilter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
    # These pools warn at every attempt; the final failure is logged by the caller.
    "loggers": {
        "psycopg.pool": {"level": "ERROR"},
        "urllib3.connectionpool": {"level": "ERROR"},
        "django.request": {"filters": ["not ready"]},
    },
    "root": {"handlers": ["stderr"], "level": ANDEN.log_level},
}
