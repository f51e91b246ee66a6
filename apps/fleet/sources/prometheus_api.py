"""Prometheus's HTTP API: range and instant queries, with errors that explain themselves."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter

from apps.fleet.errors import SourceInvalid
from apps.telemetry.errors import MonitoringError, SourceRefused, SourceUnavailable

MOST_POINTS: Final = 11_000
"""Maximum points per series in one response of Prometheus."""
_BLOCK: Final = 1 << 20
_BUSY: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses that may change within a minute; Prometheus also uses 503 for query timeouts."""

logger = logging.getLogger("apps.monitoring.adapters.fleet.prometheus_api")


@dataclass(frozen=True, slots=True, eq=False)
class PrometheusSeries:
    """One series of a response: labels, times (epoch seconds), values (including NaN and infinities)."""

    labels: Mapping[str, str]
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]


class PrometheusApi:
    """A Prometheus server, or a compatible one (Thanos, Mimir, VictoriaMetrics, Amazon Managed Prometheus).

    `what` names the query in error messages: "the signal latency_p95".
    """

    def __init__(self, url: str, *, headers: Mapping[str, str], timeout_s: float, most_bytes: int) -> None:
        self._url = url.rstrip("/")
        self._shown = _without_login(self._url)
        self._timeout_s = timeout_s
        self._most_bytes = most_bytes
        self._session = requests.Session()
        self._session.headers.update(headers)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=0))

    def range(self, query: str, times_s: NDArray[np.float64], *, step_s: int, what: str) -> Iterator[PrometheusSeries]:
        """The query's series at these evenly rising times, in as many requests as necessary.

        Raises SourceUnavailable, SourceRefused, SourceInvalid.
        """
        for first in range(0, len(times_s), MOST_POINTS):
            chunk = times_s[first : first + MOST_POINTS]
            window = {"start": f"{chunk[0]:.0f}", "end": f"{chunk[-1]:.0f}", "step": str(step_s)}
            for found in self._query("query_range", query, window, kind="matrix", what=what):
                yield _series(found, found.get("values", []), what)

    def instant(self, query: str, at_s: float, *, what: str) -> Iterator[PrometheusSeries]:
        """The query's series at this time, one value each.

        Raises SourceUnavailable, SourceRefused, SourceInvalid.
        """
        for found in self._query("query", query, {"time": f"{at_s:.0f}"}, kind="vector", what=what):
            yield _series(found, [found.get("value", [])], what)

    def _query(self, path: str, query: str, window: dict[str, str], *, kind: str, what: str) -> list[dict[str, Any]]:
        """The raw series of one response."""
        form = {"query": query, "timeout": f"{self._timeout_s:g}s", **window}
        try:
            # POST: a query may be longer than a URL. A redirect would lose the form.
            with self._session.post(
                f"{self._url}/api/v1/{path}",
                data=form,
                timeout=(min(self._timeout_s, 10), self._timeout_s),
                stream=True,
                allow_redirects=False,
            ) as answer:
                body = self._body(answer, what)
                status = answer.status_code
        except requests.Timeout as error:
            raise SourceUnavailable(
                f"Prometheus at {self._shown} took more than {self._timeout_s:g} s for {what}"
            ) from error
        except requests.RequestException as error:
            raise SourceUnavailable(f"Prometheus at {self._shown} does not respond ({_reason(error)})") from error
        return self._data(status, body, query=query, kind=kind, what=what)

    def _body(self, answer: requests.Response, what: str) -> bytes:
        body = bytearray()
        for block in answer.iter_content(_BLOCK):
            body += block
            if len(body) > self._most_bytes:
                raise SourceRefused(
                    f"Prometheus returned more than {self._most_bytes >> 20} MB for {what}: "
                    "the query must return one series per service"
                )
        return bytes(body)

    def _data(self, status: int, body: bytes, *, query: str, kind: str, what: str) -> list[dict[str, Any]]:
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict) or document.get("status") not in {"success", "error"}:
            raise self._foreign_response(status, body, what)
        if status != HTTPStatus.OK or document["status"] != "success":
            raise self._error_response(status, document, query=query, what=what)
        for warning in document.get("warnings", []):
            logger.warning("Prometheus warning for %s: %s", what, warning)
        data = document.get("data", {})
        if data.get("resultType") != kind or not isinstance(data.get("result"), list):
            raise SourceRefused(f"{what} returned a {data.get('resultType')} instead of a {kind}: {query}")
        return list(data["result"])

    def _error_response(self, status: int, document: dict[str, Any], *, query: str, what: str) -> MonitoringError:
        """The error for a response in which Prometheus reports an error."""
        reason = f"{document.get('errorType', 'error')}: {document.get('error', '')}".strip()
        if status in _BUSY:
            return SourceUnavailable(f"Prometheus at {self._shown} is too busy for {what} ({status}, {reason})")
        return SourceRefused(f"Prometheus refuses {what} ({status}, {reason}): {query}")

    def _foreign_response(self, status: int, body: bytes, what: str) -> MonitoringError:
        """The error for a response that is not from Prometheus, but from a proxy or another program."""
        if status in _BUSY:
            return SourceUnavailable(f"{self._shown} answers {status} for {what}")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return SourceRefused(f"{self._shown} answers {status} for {what}: check ANDEN_FLEET_PROMETHEUS_HEADERS")
        shown = body[:60].decode(errors="replace").split("\n")[0]
        return SourceRefused(
            f"{self._shown} is not a Prometheus server: it answers {status} and {shown!r}; "
            "check ANDEN_FLEET_PROMETHEUS_URL"
        )


def _series(found: dict[str, Any], points: list[Any], what: str) -> PrometheusSeries:
    """The series with numbers; Prometheus sends them as text, including NaN and infinities."""
    try:
        labels = {str(name): str(value) for name, value in found["metric"].items()}
        # Convert inside NumPy, in one pass: a response has 600,000 numbers.
        moments, texts = zip(*points, strict=True) if points else ((), ())
        times_s = np.array(moments, dtype=np.float64)
        values = np.array(texts, dtype=np.float64)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if "histogram" in found or "histograms" in found:
            raise SourceRefused(f"{what} returned histograms instead of numbers: use histogram_quantile") from error
        raise SourceInvalid(f"the response of Prometheus for {what} cannot be parsed: {error!r}") from error
    return PrometheusSeries(labels, times_s, values)


def _reason(error: requests.RequestException) -> str:
    """The innermost cause, which is the operating system's; exceptions being handled earlier do not count."""
    cause: BaseException = error
    while isinstance(cause.__context__, Exception) and not isinstance(cause.__context__, MonitoringError):
        cause = cause.__context__
    return str(getattr(cause, "strerror", None) or cause).split("\n")[0][:120]


def _without_login(url: str) -> str:
    """The URL without credentials, for messages."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
