"""Django app configuration of datasets."""

from django.apps import AppConfig
from django.core.checks import register


class DatasetsConfig(AppConfig):
    """The app datasets."""

    name = "apps.datasets"
    verbose_name = "Datasets"

    def ready(self) -> None:
        """Register the check for variables that no setting reads."""
        from apps.datasets.checks import unread_variables  # noqa: PLC0415 - settings must be loaded

        register(unread_variables)
