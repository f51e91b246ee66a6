"""Requests to one Grafana, repeated while it is overloaded or away, and its refusals as errors of ours."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from apps.datasets.adapters.prometheus import counter
from apps.monitoring.core.errors import GrafanaAway, GrafanaRefused
from apps.monitoring.metrics import SYNC_REQUESTS

REPEATED: Final = (429, 500, 502, 503, 504)
LONGEST_PAUSE_S: Final = 30
LONGEST_MESSAGE: Final = 300
_ERRNO: Final = re.compile(r"\[Errno -?\d+\] (.+)$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Grafana said: the status, and the JSON of the body (None when it is empty)."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300

    @property
    def is_locked(self) -> bool:
        """Whether only the way by which the object was made may change it, say a file: no matter of rights."""
        said = self.body.get("messageId") if isinstance(self.body, dict) else None
        return said == "alerting.notifications.invalidProvenance"

    @property
    def message(self) -> str:
        """Grafana's own words for why it did not."""
        said = self.body.get("message") or self.body.get("error") if isinstance(self.body, dict) else self.body
        return str(said or "no reason given")[:LONGEST_MESSAGE]


class Transport(Protocol):
    """Sends one request and gives the answer; 401, 403 and being away are errors already."""

    @property
    def where(self) -> str:
        """Which Grafana, for messages."""

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Answer:
        """The answer. `once`: not repeated, because a second effect would not be noticed.

        Raises GrafanaAway: no answer, or overloaded, after all repetitions.
        Raises GrafanaRefused: wrong token, missing permission, no Grafana at this address.
        """


class _Patient(Retry):
    """Pauses that double from the first repetition on, each shortened at random so that clients part ways."""

    def get_backoff_time(self) -> float:
        """Seconds until the next try, where the server names none."""
        longest = min(LONGEST_PAUSE_S, self.backoff_factor * 2.0 ** max(0, len(self.history) - 1))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take, how often it is sent, and the first pause between two tries, seconds."""

    timeout_s: float = 10.0
    tries: int = 5
    pause_s: float = 0.5


class HttpTransport:
    """One session to one Grafana. Repeating a POST is safe: what it creates has a uid, so the second finds it."""

    def __init__(self, url: str, token: str, *, patience: Patience, ca: Path | None = None) -> None:
        self._base = url.rstrip("/")
        self._patience = patience
        self._session = requests.Session()
        self._session.trust_env = False  # else a .netrc would replace the token
        self._session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
        self._verify: bool | str = str(ca) if ca else True
        repeat = _Patient(
            total=patience.tries - 1,
            backoff_factor=patience.pause_s,
            status_forcelist=REPEATED,
            allowed_methods=None,
            raise_on_status=False,
            retry_after_max=LONGEST_PAUSE_S,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=repeat))
        self._once = HTTPAdapter(max_retries=0)

    @property
    def where(self) -> str:
        """Which Grafana, for messages."""
        return f"Grafana at {self._base}"

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Answer:
        """The answer; see Transport."""
        request = requests.Request(method, self._base + path, params=params, json=body, headers=dict(headers or {}))
        try:
            response = self._request(request, once=once)
        except requests.exceptions.SSLError as error:
            raise GrafanaRefused(
                f"{self.where}: TLS failed ({_reason(error)}): mend its certificate, or name its authority in "
                "ANDEN_GRAFANA_CA"
            ) from error
        except requests.exceptions.RequestException as error:
            counter(SYNC_REQUESTS).labels(method, "error").inc()
            raise GrafanaAway(
                f"{self.where} does not answer {method} {path} ({_reason(error)}): nothing more was sent, "
                "run it again when it does"
            ) from error
        self._count(method, response)
        return self._answer(method, path, response)

    def _request(self, request: requests.Request, *, once: bool) -> requests.Response:
        prepared = self._session.prepare_request(request)
        if once:
            return self._once.send(prepared, timeout=self._patience.timeout_s, verify=self._verify)
        return self._session.send(
            prepared, timeout=self._patience.timeout_s, verify=self._verify, allow_redirects=False
        )

    def _count(self, method: str, response: requests.Response) -> None:
        """Every try, those that were repeated, too."""
        history = response.raw.retries.history if response.raw.retries else ()
        for status in [*(past.status for past in history), response.status_code]:
            counter(SYNC_REQUESTS).labels(method, f"{status // 100}xx" if status else "error").inc()

    def _answer(self, method: str, path: str, response: requests.Response) -> Answer:
        status = response.status_code
        if 300 <= status < 400:
            raise GrafanaRefused(
                f"{self.where} sends us on to {response.headers.get('Location', 'nowhere')}: "
                "mend ANDEN_GRAFANA_URL (its scheme, its path)"
            )
        answer = Answer(status, self._json(response))
        if status in REPEATED:
            raise GrafanaAway(
                f"{self.where} answers {method} {path} with {status} after {self._patience.tries} tries "
                f"({answer.message}): nothing more was sent, run it again later"
            )
        if status == 401:
            raise GrafanaRefused(f"{self.where} does not know the token: mend ANDEN_GRAFANA_TOKEN")
        if status == 403 and not answer.is_locked:
            raise GrafanaRefused(
                f"{self.where} forbids {method} {path} ({answer.message}): give the token's service account the "
                "role Admin"
            )
        return answer

    def _json(self, response: requests.Response) -> Any:
        """The body. Raises GrafanaRefused: this is a page for people, so no Grafana API is at this address."""
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            if response.status_code in REPEATED:
                return None  # a proxy's own page, while what is behind it is away
            kind = response.headers.get("Content-Type", "something").partition(";")[0]
            raise GrafanaRefused(
                f"{self.where} answers {response.status_code} with {kind} instead of JSON: ANDEN_GRAFANA_URL leads "
                "to something else, a login page or a proxy"
            ) from None


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
