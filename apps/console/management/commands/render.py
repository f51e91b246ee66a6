"""`manage.py render`: write the documents generated from code, or check that they are up to date."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.api.views.documents import openapi_document
from apps.console.core.settings_page import settings_page
from apps.telemetry.environment import EnvironmentSettings, settings_of

WIDTH = 110


def rendered() -> Mapping[str, str]:
    """The content of each generated file, by its path in the project."""
    openapi = yaml.safe_dump(openapi_document(), sort_keys=False, allow_unicode=True, width=WIDTH)
    return {
        "docs/openapi.yaml": "# Generated from the views by `make render`: do not edit.\n" + openapi,
        "docs/settings.md": settings_page(_classes()),
    }


def _classes() -> list[type[EnvironmentSettings]]:
    kinds = set(map(type, settings_of(settings)))
    return sorted(kinds, key=lambda kind: str(kind.model_config.get("env_prefix")))


class Command(BaseCommand):
    """Renders generated documents."""

    help = "Write the generated documents: the OpenAPI file and the settings page."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        stale = []
        for name, text in rendered().items():
            path = Path(settings.BASE_DIR) / name
            if path.exists() and path.read_bytes() == text.encode():
                continue
            stale.append(name)
            if not options["check"]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
                self.stdout.write(f"wrote {name}")
        if stale and options["check"]:
            raise CommandError(f"not up to date: {', '.join(stale)}. Run make render")
