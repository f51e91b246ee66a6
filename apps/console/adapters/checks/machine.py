"""Checks of this machine: versions of what runs here, the variables that are set, free disk space."""

import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from confluent_kafka import libversion
from psycopg.pq import version as libpq_version

from apps import __version__
from apps.console.core.diagnosis import CheckStatus, DiagnosisResult, report
from apps.datasets.checks import unread_variables
from apps.telemetry.environment import EnvironmentSettings, SettingsInvalid, invalid_lines, variables_set

PACKAGES: Final = ("django", "djangorestframework", "psycopg", "confluent-kafka", "celery", "grafana-client", "boto3")
FULL_BYTES: Final = 256 << 20
"""Free space below which a disk counts as full."""
SCARCE_BYTES: Final = 2 << 30


def check_versions() -> Iterator[DiagnosisResult]:
    """The versions of Andén, Python, the operating system and the packages that talk to servers."""
    system = f"Python {platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}"
    yield DiagnosisResult(CheckStatus.OK, "anden", f"{__version__}, {system}")
    libpq = libpq_version()
    libraries = f"libpq {libpq // 10_000}.{libpq % 10_000}, librdkafka {libversion()[0]}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield DiagnosisResult(CheckStatus.OK, "packages", f"{packages}, {libraries}")


def settings_report(error: SettingsInvalid) -> str:
    """The report for invalid settings, when nothing else can be checked; needs no Django."""
    invalid = [DiagnosisResult(CheckStatus.FAILED, "settings", line) for line in invalid_lines(error)]
    return report([*check_versions(), *invalid])


def check_environment(groups: Iterable[EnvironmentSettings]) -> Iterator[DiagnosisResult]:
    """The names of the variables that are set, never their values; a name that no setting has is a warning."""
    groups = tuple(groups)
    names = sorted(variables_set(groups))
    yield DiagnosisResult(CheckStatus.OK, "settings", f"{len(names)} variables are set: {', '.join(names)}")
    for warning in unread_variables():
        yield DiagnosisResult(CheckStatus.WARNING, "settings", f"{warning.msg}. {warning.hint}")


def check_disk(folders: Iterable[Path]) -> Iterator[DiagnosisResult]:
    """Free space of each file system that Andén writes to; not of PostgreSQL's and Kafka's disks."""
    seen: set[int] = set()
    for folder in (*folders, Path(tempfile.gettempdir())):
        existing = _existing(folder)
        device = existing.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(existing)
        finding = f"{usage.free / (1 << 30):.1f} of {usage.total / (1 << 30):.1f} GiB free at {existing}"
        yield _space(usage.free, finding)


def _space(free_bytes: int, finding: str) -> DiagnosisResult:
    if free_bytes < FULL_BYTES:
        return DiagnosisResult(CheckStatus.FAILED, "disk", f"{finding}: free some space, or writes will fail")
    if free_bytes < SCARCE_BYTES:
        return DiagnosisResult(CheckStatus.WARNING, "disk", f"{finding}: free some space soon")
    return DiagnosisResult(CheckStatus.OK, "disk", finding)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    path = folder.absolute()
    while not path.exists():
        path = path.parent
    return path
