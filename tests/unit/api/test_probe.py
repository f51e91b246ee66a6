"""The probe against a station of paper: it passes where all is well, and says what is not."""

import dataclasses
import itertools
import json
import subprocess
import sys
import uuid
from typing import Any

import pytest

from apps.api.probe.checks import (
    CHECKS,
    DATASETS,
    HIDDEN,
    RECORDS,
    ROW,
    CheckResult,
    Probe,
    ProbeResponse,
    Unreachable,
    run_checks,
)

KEY = "anden_key"


@dataclasses.dataclass
class PaperStation:
    """Answers as a station does; each attribute is something that can be wrong with it."""

    key: str = KEY
    datasets: tuple[str, ...] = ("probe",)
    actions: tuple[str, ...] = ("read",)
    rows: tuple[dict[str, Any], ...] = (ROW,)
    ready: bool = True
    alive: bool = True
    hidden_filter: bool = False
    tells_hidden: bool = False
    keyless: int = 401
    broken_list: bool = False

    def __call__(self, method: str, path: str, *, key: str | None = None, body: bytes | None = None) -> ProbeResponse:
        if not self.alive:
            raise Unreachable("no answer from 127.0.0.1:1: Connection refused")
        if path == "/healthz":
            return ProbeResponse(200, b"{}")
        if path == "/readyz":
            return ProbeResponse(200 if self.ready else 503, b'{"missing": ["database"]}')
        if key != self.key:
            return self.problem(self.keyless if key is None else 401, "Send a valid key")
        return self.with_key(method, path, body)

    def with_key(self, method: str, path: str, body: bytes | None) -> ProbeResponse:
        address, _, query = path.partition("?")
        if path == DATASETS:
            found = [{"name": name, "actions": list(self.actions)} for name in self.datasets]
            return self.json({"lists": found} if self.broken_list else {"datasets": found})
        if not address.startswith(RECORDS):
            known = address.split("/")[4] in self.datasets
            return self.json({"records": []}) if known else self.problem(404, "no such dataset")
        if method == "PATCH":
            assert json.loads(body or b"") == {"message": ROW["message"]}
            return self.json({}) if "write" in self.actions else self.problem(403, "may not write")
        records = [{"_id": f"k{number}", **row} for number, row in enumerate(self.rows)]
        if query.startswith(HIDDEN) and self.hidden_filter:
            return self.json({"records": records})
        if query:
            name = query.partition("=")[0]
            said = "hidden is hidden" if self.tells_hidden and name == HIDDEN else f"there is no field {name}"
            return self.problem(400, said)
        return self.json({"records": records, "next": None}) if address == RECORDS else self.json(records[0])

    @staticmethod
    def json(value: Any, status: int = 200) -> ProbeResponse:
        return ProbeResponse(status, json.dumps(value).encode())

    def problem(self, status: int, detail: str) -> ProbeResponse:
        # Another one in each answer: it names the request.
        instance = f"urn:anden:request:{uuid.uuid4()}"
        return self.json({"title": "Refused", "status": status, "detail": detail, "instance": instance}, status)


def run(station: PaperStation, key: str = KEY) -> dict[str, CheckResult]:
    ticks = itertools.count()
    return {outcome.name: outcome for outcome in run_checks(Probe(station, key, "flights"), lambda: next(ticks))}


def test_a_station_where_all_is_well_passes_every_check() -> None:
    found = run(PaperStation())
    assert list(found) == [name for name, _ in CHECKS]
    assert all(outcome.passed and outcome.seconds == 1 for outcome in found.values())
    assert len({line.index(" ms  ") for line in (outcome.line() for outcome in found.values())}) == 1


@pytest.mark.parametrize(
    ("wrong", "check", "said"),
    [
        ({"alive": False}, "healthz", "Connection refused"),
        ({"ready": False}, "readyz", 'not ready: {"missing": ["database"]}'),
        ({"keyless": 200}, "no key", "too wide: answered 200"),
        ({"datasets": ("flights", "probe")}, "dataset list", "the key also reaches flights"),
        ({"datasets": ()}, "dataset list", "not at all"),
        ({"actions": ("read", "write")}, "dataset list", "to read, write"),
        ({"actions": ("read", "write")}, "write refused", "too wide: answered 200 instead of 403"),
        ({"broken_list": True}, "dataset list", "another shape"),
        ({"rows": ()}, "row", "has 0 rows"),
        ({"rows": (ROW, ROW)}, "row", "has 2 rows"),
        ({"rows": ({**ROW, "number": 5},)}, "row", "the row has changed: number is 5 instead of 9007199254740993"),
        ({"rows": ({**ROW, "hidden": "x"},)}, "row", "too wide: the key sees the field 'hidden'"),
        ({"rows": ({**ROW, "more": "x"},)}, "row", "should not have: more"),
        ({"rows": ({**ROW, "message": "?"},)}, "row by id", "the row has changed: message"),
        ({"datasets": ("flights", "probe")}, "other dataset refused", "too wide: answered 200 instead of 404"),
        ({"hidden_filter": True}, "hidden filter refused", "too wide: a filter on 'hidden' was answered 200"),
        ({"tells_hidden": True}, "hidden filter refused", "tells that the hidden column exists"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(wrong: dict[str, Any], check: str, said: str) -> None:
    outcome = run(PaperStation(**wrong))[check]
    assert not outcome.passed
    assert said in outcome.line()
    assert "\n" not in outcome.line()


def test_a_wrong_key_ends_the_checks_with_what_to_do() -> None:
    found = run(PaperStation(), key="anden_other")
    assert list(found)[-1] == "dataset list"
    assert "wrong or revoked" in found["dataset list"].detail


@pytest.mark.parametrize("key", ["anden_a\nb", "anden_→", "\x00"])
def test_a_key_that_no_header_can_hold_is_refused_unsent_and_untold(key: str) -> None:
    outcome = run(PaperStation(key=key), key=key)["dataset list"]
    assert not outcome.passed
    assert "make one with `probe install`" in outcome.line()
    assert key not in outcome.line()


def test_a_station_that_is_not_ready_is_asked_nothing_more() -> None:
    assert list(run(PaperStation(ready=False))) == ["healthz", "readyz"]


def test_the_probe_needs_the_standard_library_alone() -> None:
    code = (
        "import sys, apps.api.probe.checks, apps.api.probe.http_client;"
        "print([n for n in sys.modules if n.partition('.')[0] in {'django', 'psycopg', 'msgspec', 'pydantic'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
