"""The app's configuration."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    """The admin's start page, the groups, and pages that span apps."""

    name = "apps.console"

    def ready(self) -> None:
        """Update the groups after every migrate."""
        from apps.console.groups import sync_groups  # noqa: PLC0415 - models are not loaded before

        # An app without models gets no signal; the group tables belong to auth.
        auth = apps.get_app_config("auth")
        post_migrate.connect(sync_groups, sender=auth, dispatch_uid="console groups")
