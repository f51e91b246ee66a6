"""Django's entry for console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The app console."""

    name = "apps.console"
