"""The HTTP session of grafana-client: retries, counts requests, and raises Andén's errors."""

import random
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from apps.monitoring.errors import GrafanaRefused, GrafanaUnavailable
from apps.monitoring.grafana.client.response import LONGEST_MESSAGE, GrafanaResponse
from apps.monitoring.metrics import SYNC_REQUESTS
from apps.telemetry.prometheus import counter

RETRIED: Final = (429, 500, 502, 503, 504)
LONGEST_PAUSE_S: Final = 30
SENT_ONCE: Final = "/api/annotations"
"""Objects created here have no uid, so a retry would create a second one: a POST is sent once."""
NO_CONTENT: Final = 204
TOO_LARGE: Final = 413
_ERRNO: Final = re.compile(r"\[Errno -?\d+\] (.+)$")


class _JitteredRetry(Retry):
    """Exponential backoff with jitter."""

    def get_backoff_time(self) -> float:
        """Seconds until the next attempt, without a Retry-After header."""
        longest = min(LONGEST_PAUSE_S, self.backoff_factor * 2.0 ** max(0, len(self.history) - 1))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds in the Retry-After header; None if it is invalid."""
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None


@dataclass(frozen=True, slots=True)
class RequestRetryPolicy:
    """Timeout of a request, number of attempts, and first pause between them; in seconds."""

    timeout_s: float = 10.0
    tries: int = 5
    pause_s: float = 0.5


class GrafanaSession(requests.Session):
    """Sends requests to one Grafana. Retrying a POST is safe: what it creates has a uid, so a retry conflicts.

    Every request raises
    GrafanaUnavailable: no response, or overloaded, after all attempts.
    GrafanaRefused: wrong token, missing permission, or not a Grafana URL.
    """

    def __init__(self, base: str, policy: RequestRetryPolicy, adapter: BaseAdapter | None = None) -> None:
        """`adapter` replaces the HTTP transport."""
        super().__init__()
        self._base = base
        self.trust_env = False  # otherwise a .netrc would replace the token
        self.headers["Accept"] = "application/json"
        self._once = adapter or HTTPAdapter(max_retries=_retry(policy, Retry.DEFAULT_ALLOWED_METHODS))
        for scheme in ("http://", "https://"):
            self.mount(scheme, adapter or HTTPAdapter(max_retries=_retry(policy, None)))

    @property
    def where(self) -> str:
        """The Grafana and its URL, for messages."""
        return f"Grafana at {self._base}"

    def get_adapter(self, url: str | bytes) -> BaseAdapter:
        """The adapter for this URL; the one for annotations does not retry a POST."""
        path = urlsplit(str(url)).path
        return self._once if path.endswith(SENT_ONCE) else super().get_adapter(str(url))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """The response, with a JSON body or none. Errors that concern only the object are returned, not raised."""
        call = f"{method!s} {str(url).removeprefix(self._base).partition('?')[0]}"
        options["allow_redirects"] = False
        try:
            response = super().request(method, url, *args, **options)
        except requests.exceptions.SSLError as error:
            raise GrafanaRefused(
                f"{self.where}: TLS failed ({_reason(error)}): fix its certificate, or set ANDEN_GRAFANA_CA to its CA"
            ) from error
        except requests.exceptions.RequestException as error:
            counter(SYNC_REQUESTS).labels(str(method), "error").inc()
            raise GrafanaUnavailable(
                f"{self.where} does not respond to {call} ({_reason(error)}): nothing more was sent, "
                "run the command again later"
            ) from error
        tries = _count(str(method), response)
        self._check(call, response, tries)
        return response

    def _check(self, call: str, response: requests.Response, tries: int) -> None:
        status = response.status_code
        if 300 <= status < 400:
            raise GrafanaRefused(
                f"{self.where} redirects to {response.headers.get('Location', 'nowhere')}: "
                "check the scheme and path of ANDEN_GRAFANA_URL"
            )
        answer = GrafanaResponse(status, self._json(call, response))
        if status in RETRIED:
            raise GrafanaUnavailable(
                f"{self.where} answers {call} with {status} after {tries} {'attempt' if tries == 1 else 'attempts'} "
                f"({answer.message}): nothing more was sent, run the command again later"
            )
        if status == 401:
            raise GrafanaRefused(f"{self.where} rejects the token: check ANDEN_GRAFANA_TOKEN")
        if status == 403 and not answer.is_locked:
            raise GrafanaRefused(
                f"{self.where} forbids {call} ({answer.message}): give the token's service account the role Admin"
            )

    def _json(self, call: str, response: requests.Response) -> Any:
        """The body, prepared for grafana-client.

        Raises GrafanaUnavailable: it is truncated. Raises GrafanaRefused: not Grafana's API.
        """
        if not response.content:
            if response.ok:
                response.status_code = NO_CONTENT  # the only empty response that grafana-client accepts
            return None
        try:
            body = response.json()
        except ValueError:
            if response.status_code in RETRIED:
                return None  # a proxy's error page
            raise self._unreadable(call, response) from None
        response.headers["Content-Type"] = "application/json"  # otherwise grafana-client reads JSON as text
        return body

    def _unreadable(self, call: str, response: requests.Response) -> GrafanaUnavailable | GrafanaRefused:
        """The error for a body that is not JSON: truncated, or an HTML page."""
        status, kind = response.status_code, response.headers.get("Content-Type", "something").partition(";")[0]
        if kind.endswith("json"):
            return GrafanaUnavailable(
                f"{self.where} answers {call} with {status} and JSON truncated after {len(response.content)} "
                "bytes, perhaps by a proxy: nothing more was sent, run the command again"
            )
        if status == TOO_LARGE:
            size = len(response.request.body or b"")
            return GrafanaRefused(
                f"{self.where}: a proxy rejects {call} of {size} bytes ({status}): raise its limit "
                "(nginx: client_max_body_size)"
            )
        return GrafanaRefused(
            f"{self.where} answers {status} with {kind} instead of JSON: ANDEN_GRAFANA_URL points to something else, "
            "such as a login page or a proxy"
        )


def _retry(policy: RequestRetryPolicy, methods: frozenset[str] | None) -> Retry:
    """The retry policy of these methods (None: all). Requests that never reached Grafana are always retried."""
    return _JitteredRetry(
        total=policy.tries - 1,
        backoff_factor=policy.pause_s,
        status_forcelist=RETRIED,
        allowed_methods=methods,
        raise_on_status=False,
        retry_after_max=LONGEST_PAUSE_S,
    )


def _count(method: str, response: requests.Response) -> int:
    """Count every attempt and return their number."""
    retries = getattr(response.raw, "retries", None)
    statuses = [*(past.status for past in (retries.history if retries else ())), response.status_code]
    for status in statuses:
        counter(SYNC_REQUESTS).labels(method, f"{status // 100}xx" if status else "error").inc()
    return len(statuses)


def _reason(error: BaseException) -> str:
    """The innermost error message, shortened."""
    while True:
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    number = _ERRNO.search(text)
    return (number[1] if number else text)[:LONGEST_MESSAGE]
