"""Django's entry for jobs."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """The app jobs."""

    name = "apps.jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Learn the kinds of jobs that stand in each app's `jobs.py`."""
        autodiscover_modules("jobs")
