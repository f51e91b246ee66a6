"""Django's entry for console."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    """The stewards' start page, the groups, and the journeys across the apps."""

    name = "apps.console"

    def ready(self) -> None:
        """Keep the groups up to date with every migrate."""
        from apps.console.groups import sync_groups  # noqa: PLC0415 - models are not loaded before

        # An app without models of its own gets no signal; the tables of groups are auth's.
        auth = apps.get_app_config("auth")
        post_migrate.connect(sync_groups, sender=auth, dispatch_uid="console groups")
