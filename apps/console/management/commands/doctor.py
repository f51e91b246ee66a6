"""`manage.py doctor`: checks this installation and prints what to fix; issue reports ask for its output."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.console.core.diagnosis import has_failed, report
from apps.console.diagnosis import diagnose


class Command(BaseCommand):
    """Checks versions, settings, servers, migrations, rights, clock and disk."""

    help = (
        "Check this installation: versions, settings by name, servers, migrations, rights, clock, disk. "
        "Exits with 1 if a check failed. Prints no secret."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        results = diagnose()
        self.stdout.write(report(results), ending="")
        if has_failed(results):
            sys.exit(1)
