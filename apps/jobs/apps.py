"""App configuration of background jobs."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """Background jobs."""

    name = "apps.jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Register the job kinds in each app's `jobs.py`."""
        autodiscover_modules("jobs")
