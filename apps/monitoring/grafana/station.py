"""What the settings and the checkout say: which Grafana, which manifest, which values, which revision."""

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from pydantic import HttpUrl, SecretStr

from apps.monitoring.conf import GrafanaSettings
from apps.monitoring.errors import GrafanaRefused
from apps.monitoring.grafana.client.client import Client
from apps.monitoring.grafana.client.connect import connect
from apps.monitoring.grafana.client.files import documents, git_revision
from apps.monitoring.grafana.client.session import Patience
from apps.monitoring.grafana.history import StoredHistory
from apps.monitoring.grafana.run_sync import Run
from apps.monitoring.grafana.sync.manifest import read_manifest
from apps.monitoring.grafana.sync.objects import Kind, Manifest
from apps.monitoring.grafana.sync.placeholders import Values, resolved
from apps.monitoring.grafana.sync.port import Grafana

OWN: Final = frozenset(("token", "url"))
"""Settings that are no business of what stands in Grafana."""


def rendered_folder() -> Path:
    """Where the rendered files lie."""
    return Path(settings.BASE_DIR) / "dashboards"


def manifest_read(*, policy: bool) -> tuple[Manifest, list[str]]:
    """The manifest of the committed files with this station's values, and what was left out of it.

    Raises ManifestInvalid.
    """
    manifest = read_manifest(documents(rendered_folder() / "grafana"))
    return resolved(manifest if policy else manifest.without(Kind.POLICY), values())


def values() -> Values:
    """What the placeholders stand for: the settings of Grafana and CloudWatch, by their variables."""
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for group in (settings.GRAFANA, settings.CLOUDWATCH):
        prefix = str(group.model_config.get("env_prefix"))
        for name in type(group).model_fields:
            value: Any = getattr(group, name)
            if name in OWN or value is None:
                continue
            variable = f"{prefix}{name}".upper()
            if isinstance(value, SecretStr):
                secret[variable] = value.get_secret_value()
            else:
                plain[variable] = str(value).rstrip("/") if isinstance(value, HttpUrl) else str(value)
    return Values(plain, secret)


def grafana(given: GrafanaSettings | None = None) -> Grafana:
    """The Grafana of these settings, or of the process's own. Raises GrafanaAway, GrafanaRefused."""
    given = given or settings.GRAFANA
    if given.url is None:
        raise GrafanaRefused("ANDEN_GRAFANA_URL is not set: say where Grafana answers")
    if not given.token.get_secret_value():
        raise GrafanaRefused("ANDEN_GRAFANA_TOKEN is not set: make a service account with the role Admin in Grafana")
    patience = Patience(given.timeout_s, given.tries, given.pause_s)
    if given.ca is not None and not given.ca.is_file():
        raise GrafanaRefused("ANDEN_GRAFANA_CA is no file")
    return connect(Client(str(given.url), given.token.get_secret_value(), patience=patience, ca=given.ca))


def run(**more: Any) -> Run:
    """A run against this station's Grafana. Raises GrafanaAway, GrafanaRefused."""
    revision = settings.GRAFANA.revision or git_revision(Path(settings.BASE_DIR))
    return Run(grafana(), StoredHistory(), revision, timezone.now(), **more)
