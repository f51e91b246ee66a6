"""grafana-client on Andén's session: its methods where they exist, its raw verbs otherwise."""

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
"""Used for every success: grafana-client returns only the body."""

RAW: Final[Mapping[str, str]] = {
    "GET /api/access-control/user/permissions": "no method",
    "GET /api/search": "search_dashboards has no page parameter and returns only the first page",
    "POST /api/folders": "create_folder has no parent parameter",
    "GET /api/folders/{uid}/counts": "no method",
    "POST /api/folders/{uid}/move": "no method",
    "DELETE /api/v1/provisioning/mute-timings/{name}": "delete_mute_timing sends a GET",
}
"""Requests sent by a raw verb, each with what grafana-client 3.11 lacks."""

_TOKEN: Final = re.compile("[!-~]+")
"""The characters that a header accepts: for others, the HTTP library would quote the token in its error."""


class GrafanaApiClient:
    """A client of one Grafana. `api` is grafana-client's GrafanaApi; pass its methods to `call`."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retry: RequestRetryPolicy,
        ca: Path | None = None,
        adapter: BaseAdapter | None = None,
    ) -> None:
        """`adapter` replaces the HTTP transport.

        Raises GrafanaRefused: the URL or the token is invalid.
        """
        # Imported here to spare the memory and start-up time of processes that do not use Grafana.
        from grafana_client import GrafanaApi  # noqa: PLC0415
        from grafana_client.client import GrafanaException  # noqa: PLC0415

        base = _base_url(url)
        self._http_error = GrafanaException
        self._session = GrafanaSession(base, retry, adapter)
        self.api: Any = GrafanaApi(_valid_token(token), verify=str(ca) if ca else True, timeout=retry.timeout_s)
        # Its own URL parsing loses the end of a path and the brackets of IPv6, and obeys "?verify=false".
        self.api.client.url = f"{base}/api"
        self.api.client.s = self._session

    @property
    def where(self) -> str:
        """The Grafana and its URL, for messages."""
        return self._session.where

    def call(self, method: Callable[..., Any], *args: Any, **options: Any) -> GrafanaResponse:
        """The response of a grafana-client method, also if it raises an HTTP error. Raises as GrafanaSession does."""
        try:
            return GrafanaResponse(OK, method(*args, **options))
        except self._http_error as error:
            return GrafanaResponse(error.status_code, error.response)

    def send(
        self, verb: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None, **options: Any
    ) -> GrafanaResponse:
        """The response to a request listed in RAW. Raises as GrafanaSession does."""
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        method = getattr(self.api.client, verb)
        return self.call(method, path.removeprefix("/api") + query, json=body, **options)


def _base_url(url: str) -> str:
    """The base URL of `/api`. Raises GrafanaRefused, without quoting the URL: it may contain a password."""
    if "@" in urlsplit(url).netloc or "?" in url or "#" in url:
        raise GrafanaRefused(
            "ANDEN_GRAFANA_URL must be only scheme, host and path, as in https://example.org/grafana: "
            "ANDEN_GRAFANA_TOKEN has the credentials and determines the organisation"
        )
    return url.rstrip("/")


def _valid_token(token: str) -> str:
    """The token without the trailing newline of a file. Raises GrafanaRefused."""
    stripped = token.strip()
    if not _TOKEN.fullmatch(stripped):
        raise GrafanaRefused(
            "ANDEN_GRAFANA_TOKEN has an invalid character (whitespace, a line break or non-ASCII): copy it again"
        )
    return stripped
