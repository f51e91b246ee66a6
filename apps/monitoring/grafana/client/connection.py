"""The adapter that fits a Grafana: chosen by what it says of itself."""

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
"""From which version on which adapter speaks to it, the oldest first: the last row that fits is taken."""

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


def grafana_connect(client: GrafanaApiClient) -> GrafanaPort:
    """The Grafana of this client.

    Raises GrafanaUnavailable: it does not answer, or its database is not up.
    Raises GrafanaRefused: it is older than supported, or no Grafana.
    """
    answer = client.call(client.api.health.check)
    told = answer.body.get("version") if answer.ok and isinstance(answer.body, dict) else None
    found = _VERSION.match(str(told or ""))
    if found is None:
        raise GrafanaRefused(f"{client.where} tells no version at /api/health: mend ANDEN_GRAFANA_URL")
    version = (int(found[1]), int(found[2]))
    fitting = [adapter for oldest, adapter in ADAPTERS if version >= oldest]
    if not fitting:
        oldest = ".".join(str(part) for part in OLDEST)
        raise GrafanaRefused(f"{client.where} is version {told}; Andén needs {oldest} or newer: upgrade it")
    return fitting[-1](client, str(told))
