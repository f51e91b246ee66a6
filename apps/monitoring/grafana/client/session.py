"""The HTTP below grafana-client: requests that are repeated and counted, and refusals as errors of ours."""

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

REPEATED: Final = (429, 500, 502, 503, 504)
LONGEST_PAUSE_S: Final = 30
UNNAMED: Final = "/api/annotations"
"""What is created here has no uid, so a second try would make a second one: a POST is sent once."""
NO_CONTENT: Final = 204
TOO_LARGE: Final = 413
_ERRNO: Final = re.compile(r"\[Errno -?\d+\] (.+)$")


class _JitteredRetry(Retry):
    """Pauses that double from the first repetition on, each shortened at random so that clients part ways."""

    def get_backoff_time(self) -> float:
        """Seconds until the next try, where the server names none."""
        longest = min(LONGEST_PAUSE_S, self.backoff_factor * 2.0 ** max(0, len(self.history) - 1))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds that the server asks for; None where it does not say it in a form that there is."""
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None


@dataclass(frozen=True, slots=True)
class RequestRetryPolicy:
    """How long a request may take, how often it is sent, and the first pause between two tries, seconds."""

    timeout_s: float = 10.0
    tries: int = 5
    pause_s: float = 0.5


class GrafanaSession(requests.Session):
    """Sends requests to one Grafana. Repeating a POST is safe: what it creates has a uid, so the second finds it.

    Every request raises
    GrafanaUnavailable: no answer, or overloaded, after all repetitions.
    GrafanaRefused: wrong token, missing permission, no Grafana at this address.
    """

    def __init__(self, base: str, patience: RequestRetryPolicy, adapter: BaseAdapter | None = None) -> None:
        """`adapter`: what takes the requests instead of HTTP."""
        super().__init__()
        self._base = base
        self.trust_env = False  # else a .netrc would replace the token
        self.headers["Accept"] = "application/json"
        self._careful = adapter or HTTPAdapter(max_retries=_repeating(patience, Retry.DEFAULT_ALLOWED_METHODS))
        for scheme in ("http://", "https://"):
            self.mount(scheme, adapter or HTTPAdapter(max_retries=_repeating(patience, None)))

    @property
    def where(self) -> str:
        """Which Grafana, for messages."""
        return f"Grafana at {self._base}"

    def get_adapter(self, url: str | bytes) -> BaseAdapter:
        """What sends a request to this address."""
        path = urlsplit(str(url)).path
        return self._careful if path.endswith(UNNAMED) else super().get_adapter(str(url))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """The answer, JSON or nothing. A refusal that concerns the object alone is one."""
        asked = f"{method!s} {str(url).removeprefix(self._base).partition('?')[0]}"
        options["allow_redirects"] = False
        try:
            response = super().request(method, url, *args, **options)
        except requests.exceptions.SSLError as error:
            raise GrafanaRefused(
                f"{self.where}: TLS failed ({_reason(error)}): mend its certificate, or name its authority in "
                "ANDEN_GRAFANA_CA"
            ) from error
        except requests.exceptions.RequestException as error:
            counter(SYNC_REQUESTS).labels(str(method), "error").inc()
            raise GrafanaUnavailable(
                f"{self.where} does not answer {asked} ({_reason(error)}): nothing more was sent, "
                "run it again when it does"
            ) from error
        tries = _count(str(method), response)
        self._check(asked, response, tries)
        return response

    def _check(self, asked: str, response: requests.Response, tries: int) -> None:
        status = response.status_code
        if 300 <= status < 400:
            raise GrafanaRefused(
                f"{self.where} sends us on to {response.headers.get('Location', 'nowhere')}: "
                "mend ANDEN_GRAFANA_URL (its scheme, its path)"
            )
        answer = GrafanaResponse(status, self._json(asked, response))
        if status in REPEATED:
            raise GrafanaUnavailable(
                f"{self.where} answers {asked} with {status} after {tries} {'try' if tries == 1 else 'tries'} "
                f"({answer.message}): nothing more was sent, run it again later"
            )
        if status == 401:
            raise GrafanaRefused(f"{self.where} does not know the token: mend ANDEN_GRAFANA_TOKEN")
        if status == 403 and not answer.is_locked:
            raise GrafanaRefused(
                f"{self.where} forbids {asked} ({answer.message}): give the token's service account the role Admin"
            )

    def _json(self, asked: str, response: requests.Response) -> Any:
        """The body, in the form that grafana-client reads.

        Raises GrafanaUnavailable: it breaks off. Raises GrafanaRefused: no Grafana API is at this address.
        """
        if not response.content:
            if response.ok:
                response.status_code = NO_CONTENT  # the one empty answer that grafana-client expects
            return None
        try:
            body = response.json()
        except ValueError:
            if response.status_code in REPEATED:
                return None  # a proxy's own page, while what is behind it is away
            raise self._unreadable(asked, response) from None
        response.headers["Content-Type"] = "application/json"  # else grafana-client takes JSON for text
        return body

    def _unreadable(self, asked: str, response: requests.Response) -> GrafanaUnavailable | GrafanaRefused:
        """What to make of a body that is no JSON: one that was cut off, or a page for people."""
        status, kind = response.status_code, response.headers.get("Content-Type", "something").partition(";")[0]
        if kind.endswith("json"):
            return GrafanaUnavailable(
                f"{self.where} answers {asked} with {status} and JSON that breaks off after {len(response.content)} "
                "bytes: nothing more was sent, run it again; a proxy between may have cut it"
            )
        if status == TOO_LARGE:
            size = len(response.request.body or b"")
            return GrafanaRefused(
                f"{self.where}: a proxy before it takes no {asked} of {size} bytes ({status}): raise its limit "
                "(nginx: client_max_body_size)"
            )
        return GrafanaRefused(
            f"{self.where} answers {status} with {kind} instead of JSON: ANDEN_GRAFANA_URL leads to something else, "
            "a login page or a proxy"
        )


def _repeating(patience: RequestRetryPolicy, methods: frozenset[str] | None) -> Retry:
    """When these methods (None: all) are sent again. What never reached Grafana is, whatever the method."""
    return _JitteredRetry(
        total=patience.tries - 1,
        backoff_factor=patience.pause_s,
        status_forcelist=REPEATED,
        allowed_methods=methods,
        raise_on_status=False,
        retry_after_max=LONGEST_PAUSE_S,
    )


def _count(method: str, response: requests.Response) -> int:
    """How many tries it took; each is counted, those that were repeated, too."""
    repeated = getattr(response.raw, "retries", None)
    statuses = [*(past.status for past in (repeated.history if repeated else ())), response.status_code]
    for status in statuses:
        counter(SYNC_REQUESTS).labels(method, f"{status // 100}xx" if status else "error").inc()
    return len(statuses)


def _reason(error: BaseException) -> str:
    """The innermost reason, in few words."""
    while True:
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    number = _ERRNO.search(text)
    return (number[1] if number else text)[:LONGEST_MESSAGE]
