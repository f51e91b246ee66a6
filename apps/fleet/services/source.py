"""Creates the signal source that the settings or a command select."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from django.conf import settings

from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import DatabaseRequestBudget
from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.fleet.engine.signal_queries import QueriesInvalid, SignalQueries, parse_queries
from apps.fleet.engine.span import ObservationSpan
from apps.fleet.errors import SourceInvalid
from apps.fleet.sources.cloudwatch_signals import LAMBDA, SignalsInvalid, parse_fleet_metrics
from apps.fleet.sources.cloudwatch_source import CloudWatchSource
from apps.fleet.sources.file_source import FileSource
from apps.fleet.sources.prometheus_api import PrometheusApi
from apps.fleet.sources.prometheus_source import PrometheusSource
from apps.fleet.sources.source import SignalSource
from apps.telemetry.errors import SourceRefused

Parsed = TypeVar("Parsed")

MOST_BYTES: Final = 256 << 20
"""Maximum size of one Prometheus response: 10,000 services and an hour of minutes are 16 MB."""


def fleet_source(name: str = "", *, file: Path | None = None) -> SignalSource:
    """The source of this name, by default that of ANDEN_FLEET_SOURCE.

    Raises SourceRefused: a required setting is missing.
    Raises SourceInvalid: the file of queries is invalid.
    """
    span = settings.FLEET.span()
    match name or settings.FLEET.source:
        case "file":
            path = file or settings.FLEET.file
            if path is None:
                raise SourceRefused("the source `file` requires --file or ANDEN_FLEET_FILE")
            return FileSource(path, span)
        case "prometheus":
            return PrometheusSource(prometheus_api(), signal_queries(settings.FLEET.signals), span)
        case "cloudwatch":
            return _cloudwatch(settings.FLEET.signals, span)
        case other:
            raise SourceRefused(f"unknown source '{other}'")


def missing_path(source: SignalSource) -> str:
    """The file or folder that the source reads and that does not exist yet; empty if it exists."""
    return source.missing() if isinstance(source, FileSource) else ""


def signal_queries(path: Path | None) -> SignalQueries:
    """The queries of this YAML file; OpenTelemetry's by default.

    Raises SourceInvalid: names the file and the field.
    """
    return _read(path, parse_queries) if path else SignalQueries()


def _cloudwatch(path: Path | None, span: ObservationSpan) -> CloudWatchSource:
    """CloudWatch within the collector's budget. Without a file, every Lambda function is a service."""
    chosen = settings.CLOUDWATCH
    boto = BotoCloudWatch.from_settings(chosen)
    fleet = _read(path, parse_fleet_metrics) if path else LAMBDA
    return CloudWatchSource(MeteredCloudWatch(boto, DatabaseRequestBudget(chosen.budget_usd)), fleet, span)


def _read(path: Path, parse: Callable[[Any], Parsed]) -> Parsed:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceInvalid(f"ANDEN_FLEET_SIGNALS: {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SourceInvalid(f"ANDEN_FLEET_SIGNALS: {path}{where} is not valid YAML") from error
    if document is None:
        begin = "run `manage.py fleet queries` without ANDEN_FLEET_SIGNALS to print a template"
        raise SourceInvalid(f"ANDEN_FLEET_SIGNALS: {path} is empty: {begin}")
    try:
        return parse(document)
    except (QueriesInvalid, SignalsInvalid) as error:
        raise SourceInvalid(f"ANDEN_FLEET_SIGNALS: {path}: {error}") from error


def prometheus_api(*, timeout_s: float | None = None) -> PrometheusApi:
    """The Prometheus of the settings; `timeout_s` overrides the configured timeout."""
    return PrometheusApi(
        str(settings.FLEET.prometheus_url),
        headers={name: value.get_secret_value() for name, value in settings.FLEET.prometheus_headers.items()},
        timeout_s=timeout_s or settings.FLEET.prometheus_timeout_s,
        most_bytes=MOST_BYTES,
    )
