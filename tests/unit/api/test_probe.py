"""The probe against a fake instance: a healthy one passes, and every fault is reported."""

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
    Probe,
    ProbeCheckResult,
    ProbeResponse,
    Unreachable,
    run_checks,
)

KEY = "anden_key"


@dataclasses.dataclass
class PaperStation:
    """Responds like an instance. Each attribute is a possible fault."""

    key: str = KEY
    datasets: tuple[str, ...] = ("probe",)
    actions: tuple[str, ...] = ("read",)
    rows: tuple[dict[str, Any], ...] = (ROW,)
    ready: bool = True
    alive: bool = True
    hidden_filter: bool = False
    reveals_hidden: bool = False
    keyless: int = 401
    broken_list: bool = False

    def __call__(self, method: str, path: str, *, key: str | None = None, body: bytes | None = None) -> ProbeResponse:
        if not self.alive:
            raise Unreachable("no response from 127.0.0.1:1: Connection refused")
        if path == "/healthz":
            return ProbeResponse(200, b"{}")
        if path == "/readyz":
            return ProbeResponse(200 if self.ready else 503, b'{"missing": ["database"]}')
        if key != self.key:
            return self.problem(self.keyless if key is None else 401, "Send a valid key")
        return self.with_key(method, path, body)

    def with_key(self, method: str, path: str, body: bytes | None) -> ProbeResponse:
        url, _, query = path.partition("?")
        if path == DATASETS:
            found = [{"name": name, "actions": list(self.actions)} for name in self.datasets]
            return self.json({"lists": found} if self.broken_list else {"datasets": found})
        if not url.startswith(RECORDS):
            known = url.split("/")[4] in self.datasets
            return self.json({"records": []}) if known else self.problem(404, "no such dataset")
        if method == "PATCH":
            assert json.loads(body or b"") == {"message": ROW["message"]}
            return self.json({}) if "write" in self.actions else self.problem(403, "may not write")
        records = [{"_id": f"k{number}", **row} for number, row in enumerate(self.rows)]
        if query.startswith(HIDDEN) and self.hidden_filter:
            return self.json({"records": records})
        if query:
            name = query.partition("=")[0]
            detail = "hidden is hidden" if self.reveals_hidden and name == HIDDEN else f"no field {name}"
            return self.problem(400, detail)
        return self.json({"records": records, "next": None}) if url == RECORDS else self.json(records[0])

    @staticmethod
    def json(value: Any, status: int = 200) -> ProbeResponse:
        return ProbeResponse(status, json.dumps(value).encode())

    def problem(self, status: int, detail: str) -> ProbeResponse:
        # Different in each response: it identifies the request.
        instance = f"urn:anden:request:{uuid.uuid4()}"
        return self.json({"title": "Refused", "status": status, "detail": detail, "instance": instance}, status)


def run(instance: PaperStation, key: str = KEY) -> dict[str, ProbeCheckResult]:
    ticks = itertools.count()
    return {outcome.name: outcome for outcome in run_checks(Probe(instance, key, "flights"), lambda: next(ticks))}


def test_a_healthy_instance_passes_every_check() -> None:
    found = run(PaperStation())
    assert list(found) == [name for name, _ in CHECKS]
    assert all(outcome.passed and outcome.seconds == 1 for outcome in found.values())
    assert len({line.index(" ms  ") for line in (outcome.line() for outcome in found.values())}) == 1


@pytest.mark.parametrize(
    ("fault", "check", "message"),
    [
        ({"alive": False}, "healthz", "Connection refused"),
        ({"ready": False}, "readyz", 'not ready: {"missing": ["database"]}'),
        ({"keyless": 200}, "no key", "too broad: returned 200"),
        ({"datasets": ("flights", "probe")}, "dataset list", "the key can also access flights"),
        ({"datasets": ()}, "dataset list", "no access"),
        ({"actions": ("read", "write")}, "dataset list", "but has: read, write"),
        ({"actions": ("read", "write")}, "write refused", "too broad: returned 200 instead of 403"),
        ({"broken_list": True}, "dataset list", "unexpected response format"),
        ({"rows": ()}, "row", "has 0 rows"),
        ({"rows": (ROW, ROW)}, "row", "has 2 rows"),
        ({"rows": ({**ROW, "number": 5},)}, "row", "unexpected value: number is 5 instead of 9007199254740993"),
        ({"rows": ({**ROW, "hidden": "x"},)}, "row", "too broad: the key can see the field 'hidden'"),
        ({"rows": ({**ROW, "more": "x"},)}, "row", "unexpected fields: more"),
        ({"rows": ({**ROW, "message": "?"},)}, "row by id", "unexpected value: message"),
        ({"datasets": ("flights", "probe")}, "other dataset refused", "too broad: returned 200 instead of 404"),
        ({"hidden_filter": True}, "hidden filter refused", "too broad: a filter on 'hidden' returned 200"),
        ({"reveals_hidden": True}, "hidden filter refused", "reveals that the hidden column exists"),
    ],
)
def test_a_fault_is_reported_on_one_line(fault: dict[str, Any], check: str, message: str) -> None:
    outcome = run(PaperStation(**fault))[check]
    assert not outcome.passed
    assert message in outcome.line()
    assert "\n" not in outcome.line()


def test_a_wrong_key_stops_the_checks_with_the_next_step() -> None:
    found = run(PaperStation(), key="anden_other")
    assert list(found)[-1] == "dataset list"
    assert "wrong or revoked" in found["dataset list"].detail


@pytest.mark.parametrize("key", ["anden_a\nb", "anden_→", "\x00"])
def test_a_key_that_no_header_can_contain_is_neither_sent_nor_printed(key: str) -> None:
    outcome = run(PaperStation(key=key), key=key)["dataset list"]
    assert not outcome.passed
    assert "create one with `manage.py probe install`" in outcome.line()
    assert key not in outcome.line()


def test_an_instance_that_is_not_ready_gets_no_further_requests() -> None:
    assert list(run(PaperStation(ready=False))) == ["healthz", "readyz"]


def test_the_probe_needs_only_the_standard_library() -> None:
    code = (
        "import sys, apps.api.probe.checks, apps.api.probe.http_client;"
        "print([n for n in sys.modules if n.partition('.')[0] in {'django', 'psycopg', 'msgspec', 'pydantic'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
