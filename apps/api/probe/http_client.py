"""The probe's HTTP client. Standard library only, so that a Lambda function can run it."""

import http.client
import ssl
from urllib.parse import urlsplit

from apps.api.probe.checks import ProbeResponse, Unreachable


class ProbeHttpClient:
    """Sends requests to one instance, each over a new connection. Does not follow redirects."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Raises ValueError: not an http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("use http://host:port or https://host")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._base = parts.path.rstrip("/")
        self._timeout_s = timeout_s

    def __call__(self, method: str, path: str, *, key: str | None = None, body: bytes | None = None) -> ProbeResponse:
        """The response. Raises Unreachable."""
        headers = {"Accept": "application/json", "User-Agent": "anden-probe"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, self._base + path, body=body, headers=headers)
            response = connection.getresponse()
            return ProbeResponse(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(f"no response from {self._host}:{self._port}: {reason}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
