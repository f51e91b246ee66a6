"""Django's entry for datasets."""

from django.apps import AppConfig
from django.core.checks import register


class DatasetsConfig(AppConfig):
    """The app datasets."""

    name = "apps.datasets"
    verbose_name = "Station"

    def ready(self) -> None:
        """Let `manage.py check` name variables that nothing reads."""
        from apps.datasets.checks import unread_variables  # noqa: PLC0415 - settings must be loaded

        register(unread_variables)
