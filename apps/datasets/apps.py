"""Django's entry for datasets."""

from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    """The app datasets."""

    name = "apps.datasets"
    verbose_name = "Station"
