"""The application that gunicorn serves: Django in threads, with dedicated threads for health and metrics."""

from django.conf import settings
from django.db import close_old_connections

from apps.telemetry.urls import urlpatterns
from config.wsgi import application as django
from web.threads import ThreadedApplication

application = ThreadedApplication(
    django,
    threads=settings.WEB.threads,
    dedicated=[f"/{pattern.pattern}" for pattern in urlpatterns],
    body_bytes=max(settings.API.max_body_bytes, settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
    body_timeout_s=settings.WEB.body_timeout_s,
    after_chunk=close_old_connections,
)
