"""Builds Grafana, manifest, placeholder values and sync context from the settings and the checkout."""

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from pydantic import HttpUrl, SecretStr

from apps.monitoring.conf import GrafanaSettings
from apps.monitoring.errors import GrafanaRefused
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.connection import grafana_connect
from apps.monitoring.grafana.client.rendered_files import documents, git_revision
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.database_history import DatabaseSyncHistory
from apps.monitoring.grafana.services import SyncContext
from apps.monitoring.grafana.sync.manifest import manifest_from_documents
from apps.monitoring.grafana.sync.objects import Manifest, ObjectKind
from apps.monitoring.grafana.sync.placeholders import PlaceholderValues, resolve_placeholders
from apps.monitoring.grafana.sync.port import GrafanaPort
from apps.telemetry.environment import variable_name

CONNECTION_SETTINGS: Final = frozenset(("token", "url"))
"""Settings that are not placeholders."""


def rendered_folder() -> Path:
    """The folder of the rendered files."""
    return Path(settings.BASE_DIR) / "dashboards"


def manifest_read(*, policy: bool) -> tuple[Manifest, list[str]]:
    """The manifest of the committed files with this installation's values, and messages about skipped objects.

    Raises ManifestInvalid.
    """
    manifest = manifest_from_documents(documents(rendered_folder() / "grafana"))
    return resolve_placeholders(manifest if policy else manifest.without(ObjectKind.POLICY), values())


def values() -> PlaceholderValues:
    """The placeholders' values: the settings of Grafana and CloudWatch, by variable."""
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for group in (settings.GRAFANA, settings.CLOUDWATCH):
        for name in type(group).model_fields:
            value: Any = getattr(group, name)
            if name in CONNECTION_SETTINGS or value is None:
                continue
            variable = variable_name(type(group), name)
            if isinstance(value, SecretStr):
                secret[variable] = value.get_secret_value()
            else:
                plain[variable] = str(value).rstrip("/") if isinstance(value, HttpUrl) else str(value)
    return PlaceholderValues(plain, secret)


def grafana(given: GrafanaSettings | None = None) -> GrafanaPort:
    """The Grafana of these settings, by default the process's. Raises GrafanaUnavailable, GrafanaRefused."""
    given = given or settings.GRAFANA
    if given.url is None:
        raise GrafanaRefused("ANDEN_GRAFANA_URL is not set: set it and ANDEN_GRAFANA_TOKEN")
    if not given.token.get_secret_value():
        raise GrafanaRefused(
            "ANDEN_GRAFANA_TOKEN is not set: create a service account token with the role Admin in Grafana"
        )
    retry = RequestRetryPolicy(given.timeout_s, given.tries, given.pause_s)
    if given.ca is not None and not given.ca.is_file():
        raise GrafanaRefused("ANDEN_GRAFANA_CA is not a file")
    return grafana_connect(GrafanaApiClient(str(given.url), given.token.get_secret_value(), retry=retry, ca=given.ca))


def run(**more: Any) -> SyncContext:
    """A run against this installation's Grafana. Raises GrafanaUnavailable, GrafanaRefused."""
    revision = settings.GRAFANA.revision or git_revision(Path(settings.BASE_DIR))
    return SyncContext(grafana(), DatabaseSyncHistory(), revision, timezone.now(), **more)
