"""The probe function: its rounds against a fake API, and what it reports to the schedule and the gateway."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.api.probe.checks import EDGE_CHECKS, ROW
from functions import probe
from functions.probe import FRESH_S, RESERVE_S, ProbeFailed, ProbeRounds, handler
from tests.unit.api.test_probe import KEY, PaperStation

NAMES = [name for name, _ in EDGE_CHECKS]
GATEWAY = {"version": "2.0", "requestContext": {"http": {"method": "GET"}}}
SCHEDULE = {"source": "aws.events"}


@dataclass
class Secret:
    """A secret that can change; counts its reads."""

    text: str = KEY
    reads: int = 0

    def __call__(self) -> str:
        self.reads += 1
        return self.text


@dataclass
class Clock:
    """A clock that the test sets."""

    now_s: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Deadline:
    """Lambda's context: the remaining time, one value per call."""

    left_s: list[float] = field(default_factory=list)

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self.left_s.pop(0) if self.left_s else 25.0))


Begin = Callable[..., ProbeRounds]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Begin:
    """A function that gives the handler rounds against this fake API."""

    def made(station: PaperStation, secret: Secret | None = None, clock: Clock | None = None) -> ProbeRounds:
        rounds = ProbeRounds(station, secret or Secret(), clock or Clock())
        monkeypatch.setattr(probe, "_rounds", lambda: rounds)
        return rounds

    return made


def body(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["headers"]["content-type"] == "application/json"
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def test_a_round_checks_only_what_the_edge_exposes_and_reads_the_key_once(begin: Begin) -> None:
    secret = Secret()
    # Health and readiness are not visible through the edge, so they are not checked.
    begin(PaperStation(ready=False), secret)
    assert [handler(SCHEDULE, Deadline()) for _ in range(3)] == [{"checks": len(NAMES)}] * 3
    assert "healthz" not in NAMES
    assert secret.reads == 1


def test_a_changed_key_is_read_again_within_the_same_call(begin: Begin) -> None:
    secret, station = Secret(), PaperStation()
    begin(station, secret)
    handler(SCHEDULE, Deadline())
    station.key = secret.text = "anden_new"
    assert handler(SCHEDULE, Deadline()) == {"checks": len(NAMES)}
    assert secret.reads == 2


def test_a_refused_key_that_has_not_changed_fails(begin: Begin) -> None:
    secret = Secret("anden_wrong")
    begin(PaperStation(), secret)
    with pytest.raises(ProbeFailed, match="1 of 2 checks failed: dataset list"):
        handler(SCHEDULE, Deadline())
    assert secret.reads == 2


def test_the_schedule_gets_the_failed_checks_and_the_log_the_details(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    begin(PaperStation(rows=({**ROW, "number": 5},)))
    with pytest.raises(ProbeFailed, match="2 of 7 checks failed: row, row by id"):
        handler(SCHEDULE, Deadline())
    assert "number is 5 instead of" in caplog.text


def test_the_gateway_returns_the_result_of_each_check_without_details(begin: Begin) -> None:
    begin(PaperStation())
    good = handler(GATEWAY, Deadline())
    assert (good["statusCode"], good["headers"]["cache-control"]) == (200, "no-store")
    expected = {"station": "up", "at": "2027-01-15T08:00:00+00:00", "checks": dict.fromkeys(NAMES, True)}
    assert body(good) == expected
    begin(PaperStation(datasets=("secret-flights", "probe")))
    bad = handler(GATEWAY, Deadline())
    assert bad["statusCode"] == 503
    assert body(bad)["station"] == "down"
    assert body(bad)["checks"]["dataset list"] is False
    assert "secret-flights" not in json.dumps(bad)
    assert KEY not in json.dumps([good, bad])


def test_an_api_that_does_not_answer_is_requested_once(begin: Begin) -> None:
    begin(PaperStation(alive=False))
    assert body(handler(GATEWAY, Deadline()))["checks"] == {"no key": False}


def test_repeated_requests_to_the_gateway_share_a_round(begin: Begin) -> None:
    clock, station = Clock(), PaperStation()
    begin(station, clock=clock)
    handler(GATEWAY, Deadline())
    station.alive = False
    clock.now_s += FRESH_S - 1
    assert handler(GATEWAY, Deadline())["statusCode"] == 200
    with pytest.raises(ProbeFailed):
        handler(SCHEDULE, Deadline())
    assert handler(GATEWAY, Deadline())["statusCode"] == 503
    station.alive = True
    clock.now_s += FRESH_S
    assert handler(GATEWAY, Deadline())["statusCode"] == 200


def test_a_round_stops_before_the_function_times_out(begin: Begin) -> None:
    begin(PaperStation())
    found = body(handler(GATEWAY, Deadline([25.0, RESERVE_S - 0.5])))
    assert (found["station"], found["checks"]) == ("down", {"no key": True, "dataset list": True, "time": False})


def test_a_probe_without_a_key_returns_unknown_to_the_gateway_and_raises_on_the_schedule(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> str:
        raise PermissionError("the secret anden/probe/key is not for you")

    begin(PaperStation()).read_key = refused
    answer = handler(GATEWAY, Deadline())
    assert (answer["statusCode"], body(answer)["station"], body(answer)["checks"]) == (503, "unknown", {})
    assert "anden/probe/key" not in json.dumps(answer)
    assert "The checks could not run" in caplog.text
    with pytest.raises(PermissionError):
        handler(SCHEDULE, Deadline())


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    probe._rounds.cache_clear()
    monkeypatch.delenv("ANDEN_PROBE_URL", raising=False)
    with pytest.raises(KeyError, match="ANDEN_PROBE_URL"):
        handler(SCHEDULE, Deadline())
