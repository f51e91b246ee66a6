"""External checks with a key that can read one row and nothing else.

Free of Django and database drivers: a CronJob or a Lambda function needs only this file and a `Fetch`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote

DATASET: Final = "probe"
ROW: Final = {
    "name": "probe",
    "message": "All is well at this station: Andén → ✓",
    "number": 9_007_199_254_740_993,
    "moment": "2026-01-01T00:00:00+00:00",
}
"""The one row, as the probe's key sees it."""

HIDDEN: Final = "hidden"
HIDDEN_VALUE: Final = "hidden from the probe"
DATASETS: Final = "/api/v1/datasets"
RECORDS: Final = f"{DATASETS}/{DATASET}/records"


class ProbeFailed(Exception):
    """The instance does not behave as expected; see the message."""


class KeyRefused(ProbeFailed):
    """The key is wrong or revoked: create one with `manage.py probe install`."""


class Unreachable(Exception):
    """No response; see the message for the reason."""


@dataclass(frozen=True)
class ProbeResponse:
    """Status and body of an HTTP response."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The decoded body. Raises ProbeFailed."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise ProbeFailed(f"the response ({self.status}) is not JSON") from None

    @property
    def summary(self) -> str:
        """The status and the reason."""
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        reason = (body.get("detail") or body.get("title") or "") if isinstance(body, dict) else ""
        return f"{self.status} {reason}".strip()


class Fetch(Protocol):
    """Sends one request to the instance. Raises Unreachable."""

    def __call__(self, method: str, path: str, *, key: str | None = None, body: bytes | None = None) -> ProbeResponse:
        """The response, whatever its status."""
        ...


@dataclass(frozen=True)
class ProbeCheckResult:
    """The result of one check."""

    name: str
    passed: bool
    seconds: float
    detail: str
    key_refused: bool = False

    def line(self) -> str:
        """The result as one aligned line."""
        mark = "ok    " if self.passed else "FAILED"
        return f"{mark}  {self.name:<{WIDTH}}  {self.seconds * 1000:8.1f} ms  {self.detail}"


@dataclass
class Probe:
    """An instance as this key sees it. `other_dataset` is one that the key must not access."""

    fetch: Fetch
    key: str
    other_dataset: str
    record_id: str = field(default="", init=False)

    def alive(self) -> str:
        """The process is alive."""
        return self._status("GET", "/healthz", {200}, keyless=True)

    def ready(self) -> str:
        """The database is reachable and migrated."""
        response = self.fetch("GET", "/readyz")
        if response.status != 200:
            raise ProbeFailed(f"not ready: {response.body.decode(errors='replace')[:200].strip() or response.status}")
        return "ready"

    def keyless(self) -> str:
        """Without a key, the response is 401."""
        return self._status("GET", DATASETS, {401}, keyless=True)

    def datasets(self) -> str:
        """The key can read the probe's dataset and nothing else."""
        if not (self.key.isascii() and self.key.isprintable()):
            raise KeyRefused(
                "The key contains an invalid character, such as a line break: "
                "create one with `manage.py probe install`."
            )
        response = self._get(DATASETS)
        actions = {item["name"]: item["actions"] for item in response["datasets"]}
        others = sorted(set(actions) - {DATASET})
        if others:
            raise ProbeFailed(f"the grant is too broad: the key can also access {', '.join(others)}")
        if actions.get(DATASET) != ["read"]:
            found = "no access" if DATASET not in actions else ", ".join(actions[DATASET])
            raise ProbeFailed(f"the key should have read access to {DATASET!r}, but has: {found}")
        return f"read access to {DATASET} only"

    def row(self) -> str:
        """The dataset contains only the expected row."""
        records = self._get(RECORDS)["records"]
        if len(records) != 1:
            raise ProbeFailed(f"the dataset has {len(records)} rows instead of 1: run `manage.py probe install`")
        self.record_id = str(records[0].get("_id", ""))
        _compare(records[0])
        return "one row, as expected"

    def item(self) -> str:
        """The row can be fetched by its id."""
        self._require_row()
        _compare(self._get(f"{RECORDS}/{quote(self.record_id, safe='')}"))
        return "the same row by its id"

    def other_dataset_refused(self) -> str:
        """Another dataset returns 404, as if it did not exist."""
        return self._status("GET", f"{DATASETS}/{quote(self.other_dataset, safe='')}/records?limit=1", {404})

    def write_refused(self) -> str:
        """The row cannot be written. Sends the stored value, so that an accepted write changes nothing."""
        self._require_row()
        body = json.dumps({"message": ROW["message"]}).encode()
        return self._status("PATCH", f"{RECORDS}/{quote(self.record_id, safe='')}", {403}, body=body)

    def filter_refused(self) -> str:
        """A filter on the hidden column returns the same error as one on a column that does not exist."""
        hidden, nothing = (
            self.fetch("GET", f"{RECORDS}?{name}={quote(HIDDEN_VALUE)}", key=self.key) for name in (HIDDEN, "nothing")
        )
        if hidden.status != 400:
            reason = "the grant is too broad: " if hidden.status < 300 else ""
            raise ProbeFailed(f"{reason}a filter on {HIDDEN!r} returned {hidden.summary}")
        renamed = ProbeResponse(hidden.status, hidden.body.replace(HIDDEN.encode(), b"nothing"))
        if _problem(renamed) != _problem(nothing):
            raise ProbeFailed("the error reveals that the hidden column exists")
        return "400, same as for an unknown column"

    def _require_row(self) -> None:
        if not self.record_id:
            raise ProbeFailed("skipped: no row to fetch by its id")

    def _get(self, path: str) -> Any:
        response = self.fetch("GET", path, key=self.key)
        if response.status == 401:
            raise KeyRefused(str(KeyRefused.__doc__))
        if response.status != 200:
            raise ProbeFailed(f"returned {response.summary} instead of 200")
        return response.json()

    def _status(
        self, method: str, path: str, expected: set[int], *, body: bytes | None = None, keyless: bool = False
    ) -> str:
        response = self.fetch(method, path, key=None if keyless else self.key, body=body)
        if response.status not in expected:
            wanted = " or ".join(map(str, sorted(expected)))
            reason = "the grant is too broad: " if response.status < 300 and wanted != "200" else ""
            raise ProbeFailed(f"{reason}returned {response.summary} instead of {wanted}")
        return str(response.status)


CHECKS: Final[tuple[tuple[str, Callable[[Probe], str]], ...]] = (
    ("healthz", Probe.alive),
    ("readyz", Probe.ready),
    ("no key", Probe.keyless),
    ("dataset list", Probe.datasets),
    ("row", Probe.row),
    ("row by id", Probe.item),
    ("other dataset refused", Probe.other_dataset_refused),
    ("write refused", Probe.write_refused),
    ("hidden filter refused", Probe.filter_refused),
)
GATES: Final = frozenset({"healthz", "readyz"})
"""If one of these fails, the remaining checks are skipped."""

EDGE_CHECKS: Final = tuple(check for check in CHECKS if check[0] not in GATES)
"""The checks that work through an edge that exposes only the API."""

WIDTH: Final = max(len(name) for name, _ in CHECKS)


def run_checks(
    probe: Probe, clock: Callable[[], float], checks: Sequence[tuple[str, Callable[[Probe], str]]] = CHECKS
) -> Iterator[ProbeCheckResult]:
    """Yield the result of each check. `clock` returns seconds.

    Stops after a failed gate, a refused key or an unreachable instance: the other checks would only time out.
    """
    for name, check in checks:
        started, over, refused = clock(), name in GATES, False
        try:
            passed, detail = True, check(probe)
        except (ProbeFailed, Unreachable) as error:
            passed, detail = False, str(error)
            refused = isinstance(error, KeyRefused)
            over = over or refused or isinstance(error, Unreachable)
        except (KeyError, TypeError, AttributeError):
            passed, detail = False, "unexpected response format"
        yield ProbeCheckResult(name, passed, clock() - started, detail, refused)
        if over and not passed:
            return


def _problem(refusal: ProbeResponse) -> dict[str, Any]:
    """The members of a problem without `instance`, which identifies the request.

    Raises ProbeFailed: it is not JSON.
    """
    return {name: value for name, value in refusal.json().items() if name != "instance"}


def _compare(record: Any) -> None:
    """Raise ProbeFailed if a field differs from the expected row."""
    if HIDDEN in record:
        raise ProbeFailed(f"the grant is too broad: the key can see the field {HIDDEN!r}")
    for name, expected in ROW.items():
        if record.get(name) != expected:
            raise ProbeFailed(f"unexpected value: {name} is {record.get(name)!r} instead of {expected!r}")
    more = sorted(set(record) - set(ROW) - {"_id"})
    if more:
        raise ProbeFailed(f"unexpected fields: {', '.join(more)}")
