"""The probe as a function on AWS Lambda: what its key sees through the edge, asked on a schedule and by GET /station.

By the schedule it raises where a check failed, so that the metric Errors counts it and the alarm `lambda-errors-high`
rings. Through the gateway it never raises: 200 or 503, and which checks held. What was seen goes to the log alone.

  ANDEN_PROBE_URL         the station's address, as third parties know it
  ANDEN_PROBE_KEY_SECRET  the secret of Secrets Manager that holds the probe's key
"""

import datetime
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Protocol

from apps.api.probe.checks import EDGE_CHECKS, Fetch, Probe, run_checks
from apps.api.probe.checks import ProbeCheckResult as CheckResult
from apps.api.probe.http_client import ProbeHttpClient
from functions.secret_store import secret_text

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

SECOND: Final = "flights"
"""A dataset that the key must not reach; it looks the same where there is none of this name."""
ANSWER_WITHIN_S: Final = 5.0
RESERVE_S: Final = 2 * ANSWER_WITHIN_S + 1
"""What one more check may take: two requests."""
FRESH_S: Final = 10.0
"""How long a round answers whoever opens /station: it is open to all, and each round costs some ten requests."""


class ProbeFailed(Exception):
    """The station does not do what it should: the function's log says what was seen."""


class Context(Protocol):
    """What Lambda tells a function of its call."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        ...


@dataclass
class ProbeRounds:
    """Rounds of the probe with a key that is read once, and again where it is refused."""

    fetch: Fetch
    read_key: Callable[[], str]
    clock: Callable[[], float] = time.time
    key: str = ""
    at_s: float = 0.0
    last: list[CheckResult] = field(default_factory=list)

    def run(self, left_s: Callable[[], float]) -> list[CheckResult]:
        """Every check's outcome; a last one, "time", where `left_s` became too little for the rest."""
        self.key = self.key or self.read_key()
        found = self._asked(left_s)
        if any(outcome.key_refused for outcome in found):
            former, self.key = self.key, self.read_key()
            if self.key != former:
                found = self._asked(left_s)
        self.at_s, self.last = self.clock(), found
        return found

    def recent(self, left_s: Callable[[], float]) -> list[CheckResult]:
        """As `run`, or what the last one found, while that is fresh."""
        fresh = self.last and 0 <= self.clock() - self.at_s < FRESH_S
        return self.last if fresh else self.run(left_s)

    def _asked(self, left_s: Callable[[], float]) -> list[CheckResult]:
        found = []
        for outcome in run_checks(Probe(self.fetch, self.key, SECOND), time.perf_counter, EDGE_CHECKS):
            found.append(outcome)
            logger.info("%s", outcome.line())
            if left_s() < RESERVE_S and len(found) < len(EDGE_CHECKS):
                found.append(CheckResult("time", passed=False, seconds=0.0, detail="the function's time is used up"))
                break
        return found


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """What a round found, for the schedule or for the gateway. Raises ProbeFailed: the schedule's round failed."""

    def left_s() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if "requestContext" not in event:
        found = _rounds().run(left_s)
        if failed := [outcome.name for outcome in found if not outcome.passed]:
            raise ProbeFailed(f"{len(failed)} of {len(found)} checks failed: {', '.join(failed)}")
        return {"checks": len(found)}
    try:
        rounds = _rounds()
        return _answer(rounds.recent(left_s), rounds.at_s)
    except Exception:
        logger.exception("The station could not be asked")
        return _answer([], time.time())


@cache
def _rounds() -> ProbeRounds:
    """The rounds of this process, for as long as it is warm. Raises KeyError, ValueError: a variable is wrong."""
    station = ProbeHttpClient(os.environ["ANDEN_PROBE_URL"], timeout_s=ANSWER_WITHIN_S)
    secret = os.environ["ANDEN_PROBE_KEY_SECRET"]
    return ProbeRounds(station, lambda: secret_text(secret))


def _answer(found: list[CheckResult], at_s: float) -> dict[str, Any]:
    """The gateway's answer: which checks held, when, and nothing of what was seen."""
    up = bool(found) and all(outcome.passed for outcome in found)
    told = {
        "station": "up" if up else "down" if found else "unknown",
        "at": datetime.datetime.fromtimestamp(int(at_s), datetime.UTC).isoformat(),
        "checks": {outcome.name: outcome.passed for outcome in found},
    }
    return {
        "statusCode": 200 if up else 503,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(told),
    }
