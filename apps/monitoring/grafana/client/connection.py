"""Chooses the adapter for a Grafana by its version."""

import re
from collections.abc import Callable
from typing import Final

from apps.monitoring.errors import GrafanaRefused
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.legacy import LegacyGrafana
from apps.monitoring.grafana.sync.port import GrafanaPort

Version = tuple[int, int]
OLDEST: Final[Version] = (11, 0)

ADAPTERS: Final[tuple[tuple[Version, Callable[[GrafanaApiClient, str], GrafanaPort]], ...]] = (
    (OLDEST, LegacyGrafana),
)
"""The adapter for each minimum version, oldest first: the last match wins."""

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


def grafana_connect(client: GrafanaApiClient) -> GrafanaPort:
    """The Grafana of this client.

    Raises GrafanaUnavailable: it does not respond, or its database is down.
    Raises GrafanaRefused: it is too old, or not a Grafana.
    """
    response = client.call(client.api.health.check)
    version_text = response.body.get("version") if response.ok and isinstance(response.body, dict) else None
    found = _VERSION.match(str(version_text or ""))
    if found is None:
        raise GrafanaRefused(f"{client.where} returns no version at /api/health: check ANDEN_GRAFANA_URL")
    version = (int(found[1]), int(found[2]))
    fitting = [adapter for oldest, adapter in ADAPTERS if version >= oldest]
    if not fitting:
        oldest = ".".join(str(part) for part in OLDEST)
        raise GrafanaRefused(
            f"{client.where} is version {version_text}, but Andén requires {oldest} or newer: upgrade Grafana"
        )
    return fitting[-1](client, str(version_text))
