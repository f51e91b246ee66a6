"""grafana-client on a session of ours: its methods for what they cover, its raw verbs for the rest."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from requests.adapters import BaseAdapter

from apps.monitoring.errors import GrafanaRefused
from apps.monitoring.grafana.client.response import GrafanaResponse
from apps.monitoring.grafana.client.session import GrafanaSession, RequestRetryPolicy

OK: Final = 200
"""Stands for every status of success: grafana-client gives the body alone."""

RAW: Final[Mapping[str, str]] = {
    "GET /api/access-control/user/permissions": "it has no method",
    "GET /api/search": "search_dashboards knows no page, and so gives one page of many",
    "POST /api/folders": "create_folder knows no parent",
    "GET /api/folders/{uid}/counts": "it has no method",
    "POST /api/folders/{uid}/move": "it has no method",
    "DELETE /api/v1/provisioning/mute-timings/{name}": "delete_mute_timing sends a GET",
}
"""What is asked by a raw verb, and what grafana-client 3.11 lacks for it."""

_TOKEN: Final = re.compile("[!-~]+")
"""What a header may carry: where it could not, the HTTP below would quote the token in its error."""


class GrafanaApiClient:
    """One Grafana. `api` is grafana-client's GrafanaApi: its elements' methods are called by `call`."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: RequestRetryPolicy,
        ca: Path | None = None,
        adapter: BaseAdapter | None = None,
    ) -> None:
        """`adapter`: what takes the requests instead of HTTP.

        Raises GrafanaRefused: the address or the token is none.
        """
        # Only who speaks with Grafana pays for it, in memory and in the time to start.
        from grafana_client import GrafanaApi  # noqa: PLC0415
        from grafana_client.client import GrafanaException  # noqa: PLC0415

        base = _address(url)
        self._refusal = GrafanaException
        self._session = GrafanaSession(base, patience, adapter)
        self.api: Any = GrafanaApi(_checked(token), verify=str(ca) if ca else True, timeout=patience.timeout_s)
        # Its own reading of an address loses a path's end and an IPv6 address's brackets, and heeds "?verify=false".
        self.api.client.url = f"{base}/api"
        self.api.client.s = self._session

    @property
    def where(self) -> str:
        """Which Grafana, for messages."""
        return self._session.where

    def call(self, method: Callable[..., Any], *args: Any, **options: Any) -> GrafanaResponse:
        """What a method of grafana-client gives, or the refusal that it raises. Raises as GrafanaSession does."""
        try:
            return GrafanaResponse(OK, method(*args, **options))
        except self._refusal as refusal:
            return GrafanaResponse(refusal.status_code, refusal.response)

    def send(
        self, verb: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None, **options: Any
    ) -> GrafanaResponse:
        """The answer to a request that is in RAW. Raises as GrafanaSession does."""
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        method = getattr(self.api.client, verb)
        return self.call(method, path.removeprefix("/api") + query, json=body, **options)


def _address(url: str) -> str:
    """Where Grafana's `/api` stands. Raises GrafanaRefused, without the password that may stand in the address."""
    if "@" in urlsplit(url).netloc or "?" in url or "#" in url:
        raise GrafanaRefused(
            "ANDEN_GRAFANA_URL must be scheme, host and path alone, as in https://example.org/grafana: "
            "who asks is said by ANDEN_GRAFANA_TOKEN, and of which organisation by whose token it is"
        )
    return url.rstrip("/")


def _checked(token: str) -> str:
    """The token, without the line's end that a file adds. Raises GrafanaRefused."""
    found = token.strip()
    if not _TOKEN.fullmatch(found):
        raise GrafanaRefused(
            "ANDEN_GRAFANA_TOKEN has a character that no token has (a space, a line's end, a letter beyond ASCII): "
            "copy it anew"
        )
    return found
