"""The integration check: what a key that may read one row, and nothing else, sees from the outside.

Free of Django and of drivers, so that a CronJob or a Lambda can run it with this file and a way to fetch.
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
HIDDEN_VALUE: Final = "nobody reads this"
DATASETS: Final = "/api/v1/datasets"
RECORDS: Final = f"{DATASETS}/{DATASET}/records"


class ProbeFailed(Exception):
    """The station does not do what it should: the message says what was seen."""


class KeyRefused(ProbeFailed):
    """The key is wrong or revoked: make one with `probe install`."""


class Unreachable(Exception):
    """No answer came: the message says why."""


@dataclass(frozen=True)
class ProbeResponse:
    """What came back over HTTP."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body's JSON. Raises ProbeFailed."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise ProbeFailed(f"the answer {self.status} is not JSON") from None

    @property
    def said(self) -> str:
        """Status and reason in a few words."""
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        words = (body.get("detail") or body.get("title") or "") if isinstance(body, dict) else ""
        return f"{self.status} {words}".strip()


class Fetch(Protocol):
    """Sends one request to the station. Raises Unreachable."""

    def __call__(self, method: str, path: str, *, key: str | None = None, body: bytes | None = None) -> ProbeResponse:
        """The answer, of whatever status."""
        ...


@dataclass(frozen=True)
class CheckResult:
    """One check: whether it passed, how long it took, and what was seen."""

    name: str
    passed: bool
    seconds: float
    detail: str
    key_refused: bool = False

    def line(self) -> str:
        """The outcome as one aligned line."""
        mark = "ok    " if self.passed else "FAILED"
        return f"{mark}  {self.name:<{WIDTH}}  {self.seconds * 1000:8.1f} ms  {self.detail}"


@dataclass
class Probe:
    """The station as this key sees it; `second` is a dataset that the key must not reach."""

    fetch: Fetch
    key: str
    other_dataset: str
    record_id: str = field(default="", init=False)

    def alive(self) -> str:
        """The process answers."""
        return self._status("GET", "/healthz", {200}, keyless=True)

    def ready(self) -> str:
        """The database answers and its migrations are there."""
        answer = self.fetch("GET", "/readyz")
        if answer.status != 200:
            raise ProbeFailed(f"not ready: {answer.body.decode(errors='replace')[:200].strip() or answer.status}")
        return "ready"

    def keyless(self) -> str:
        """Without a key nothing is told."""
        return self._status("GET", DATASETS, {401}, keyless=True)

    def datasets(self) -> str:
        """The key reaches the probe's dataset to read it, and no other."""
        if not (self.key.isascii() and self.key.isprintable()):
            raise KeyRefused("The key holds what no key holds, such as a line break: make one with `probe install`.")
        answer = self._get(DATASETS)
        actions = {item["name"]: item["actions"] for item in answer["datasets"]}
        others = sorted(set(actions) - {DATASET})
        if others:
            raise ProbeFailed(f"the grant is too wide: the key also reaches {', '.join(others)}")
        if actions.get(DATASET) != ["read"]:
            found = "not at all" if DATASET not in actions else f"to {', '.join(actions[DATASET])}"
            raise ProbeFailed(f"the key should reach {DATASET!r} to read, and reaches it {found}")
        return f"only {DATASET}, only to read"

    def row(self) -> str:
        """The dataset holds the one row, unchanged."""
        records = self._get(RECORDS)["records"]
        if len(records) != 1:
            raise ProbeFailed(f"the dataset has {len(records)} rows instead of one: run probe install")
        self.record_id = str(records[0].get("_id", ""))
        _compare(records[0])
        return "one row, as expected"

    def item(self) -> str:
        """The row is found by its id."""
        self._require_row()
        _compare(self._get(f"{RECORDS}/{quote(self.record_id, safe='')}"))
        return "the same row by its id"

    def other_dataset_refused(self) -> str:
        """Another dataset looks as if it did not exist."""
        return self._status("GET", f"{DATASETS}/{quote(self.other_dataset, safe='')}/records?limit=1", {404})

    def write_refused(self) -> str:
        """The row cannot be written: tried with what stands there, so that a success does no harm."""
        self._require_row()
        body = json.dumps({"message": ROW["message"]}).encode()
        return self._status("PATCH", f"{RECORDS}/{quote(self.record_id, safe='')}", {403}, body=body)

    def filter_refused(self) -> str:
        """A filter on the hidden column is refused as one on a column that does not exist."""
        hidden, nothing = (
            self.fetch("GET", f"{RECORDS}?{name}={quote(HIDDEN_VALUE)}", key=self.key) for name in (HIDDEN, "nothing")
        )
        if hidden.status != 400:
            reason = "the grant is too wide: " if hidden.status < 300 else ""
            raise ProbeFailed(f"{reason}a filter on {HIDDEN!r} was answered {hidden.said}")
        renamed = ProbeResponse(hidden.status, hidden.body.replace(HIDDEN.encode(), b"nothing"))
        if _told(renamed) != _told(nothing):
            raise ProbeFailed("the refusal tells that the hidden column exists")
        return "400, as for a column that does not exist"

    def _require_row(self) -> None:
        if not self.record_id:
            raise ProbeFailed("no row was read, so there is none to ask for by its id")

    def _get(self, path: str) -> Any:
        answer = self.fetch("GET", path, key=self.key)
        if answer.status == 401:
            raise KeyRefused(str(KeyRefused.__doc__))
        if answer.status != 200:
            raise ProbeFailed(f"answered {answer.said} instead of 200")
        return answer.json()

    def _status(
        self, method: str, path: str, expected: set[int], *, body: bytes | None = None, keyless: bool = False
    ) -> str:
        answer = self.fetch(method, path, key=None if keyless else self.key, body=body)
        if answer.status not in expected:
            wanted = " or ".join(map(str, sorted(expected)))
            reason = "the grant is too wide: " if answer.status < 300 and wanted != "200" else ""
            raise ProbeFailed(f"{reason}answered {answer.said} instead of {wanted}")
        return str(answer.status)


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
"""Checks without which the others would only wait."""

EDGE_CHECKS: Final = tuple(check for check in CHECKS if check[0] not in GATES)
"""What can be asked through an edge that lets nothing but the API pass."""

WIDTH: Final = max(len(name) for name, _ in CHECKS)


def run_checks(
    probe: Probe, clock: Callable[[], float], checks: Sequence[tuple[str, Callable[[Probe], str]]] = CHECKS
) -> Iterator[CheckResult]:
    """Each check as it ends. The clock counts seconds.

    After a failed gate, a refused key or no answer at all the rest is not run: it would only wait.
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
            passed, detail = False, "the answer has another shape than Andén's"
        yield CheckResult(name, passed, clock() - started, detail, refused)
        if over and not passed:
            return


def _told(refusal: ProbeResponse) -> dict[str, Any]:
    """What a refusal says but for `instance`, which names the request and nothing of the data.

    Raises ProbeFailed: it is no JSON.
    """
    return {name: value for name, value in refusal.json().items() if name != "instance"}


def _compare(record: Any) -> None:
    """Raises ProbeFailed: a field is not what it should be."""
    if HIDDEN in record:
        raise ProbeFailed(f"the grant is too wide: the key sees the field {HIDDEN!r}")
    for name, expected in ROW.items():
        if record.get(name) != expected:
            raise ProbeFailed(f"the row has changed: {name} is {record.get(name)!r} instead of {expected!r}")
    more = sorted(set(record) - set(ROW) - {"_id"})
    if more:
        raise ProbeFailed(f"the row has fields that it should not have: {', '.join(more)}")
