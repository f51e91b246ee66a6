"""The Django app of ingest."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    """The app ingest."""

    name = "apps.ingest"
    verbose_name = "Ingest"
