"""The probe as an AWS Lambda function: checks the API through the edge, on a schedule and for GET /station.

On the schedule it raises if a check failed, so that the metric Errors counts it and the alarm `lambda-errors-high`
fires. Through the gateway it never raises: it returns 200 or 503 and the result of each check. Details go only to the
log.

  ANDEN_PROBE_URL         the API's public URL
  ANDEN_PROBE_KEY_SECRET  the name of the secret in Secrets Manager that holds the probe's key
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

from apps.api.probe.checks import EDGE_CHECKS, Fetch, Probe, ProbeCheckResult, run_checks
from apps.api.probe.http_client import ProbeHttpClient
from functions.secret_store import secret_text

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

SECOND: Final = "flights"
"""A dataset that the key has no grant for; the response is the same if it does not exist."""
ANSWER_WITHIN_S: Final = 5.0
RESERVE_S: Final = 2 * ANSWER_WITHIN_S + 1
"""The maximum time of one more check: two requests."""
FRESH_S: Final = 10.0
"""How long /station returns the same result: it is public, and each round costs about ten requests."""


class ProbeFailed(Exception):
    """A check failed: the function's log has the details."""


class Context(Protocol):
    """Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""
        ...


@dataclass
class ProbeRounds:
    """Runs rounds of checks with a key that is read once, and again if it is refused."""

    fetch: Fetch
    read_key: Callable[[], str]
    clock: Callable[[], float] = time.time
    key: str = ""
    at_s: float = 0.0
    last: list[ProbeCheckResult] = field(default_factory=list)

    def run(self, left_s: Callable[[], float]) -> list[ProbeCheckResult]:
        """Run a round; return each check's outcome, ending with "time" if the function's time ran out."""
        self.key = self.key or self.read_key()
        found = self._outcomes(left_s)
        if any(outcome.key_refused for outcome in found):
            former, self.key = self.key, self.read_key()
            if self.key != former:
                found = self._outcomes(left_s)
        self.at_s, self.last = self.clock(), found
        return found

    def recent(self, left_s: Callable[[], float]) -> list[ProbeCheckResult]:
        """The last round's outcomes if they are recent, else run a round."""
        fresh = self.last and 0 <= self.clock() - self.at_s < FRESH_S
        return self.last if fresh else self.run(left_s)

    def _outcomes(self, left_s: Callable[[], float]) -> list[ProbeCheckResult]:
        found = []
        for outcome in run_checks(Probe(self.fetch, self.key, SECOND), time.perf_counter, EDGE_CHECKS):
            found.append(outcome)
            logger.info("%s", outcome.line())
            if left_s() < RESERVE_S and len(found) < len(EDGE_CHECKS):
                found.append(ProbeCheckResult("time", passed=False, seconds=0.0, detail="the function's time ran out"))
                break
        return found


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """The result for the schedule or the gateway. Raises ProbeFailed: a check failed on the schedule."""

    def left_s() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if "requestContext" not in event:
        found = _rounds().run(left_s)
        if failed := [outcome.name for outcome in found if not outcome.passed]:
            raise ProbeFailed(f"{len(failed)} of {len(found)} checks failed: {', '.join(failed)}")
        return {"checks": len(found)}
    try:
        rounds = _rounds()
        return _response(rounds.recent(left_s), rounds.at_s)
    except Exception:
        logger.exception("The checks could not run")
        return _response([], time.time())


@cache
def _rounds() -> ProbeRounds:
    """The rounds of this process. Raises KeyError, ValueError: a variable is missing or invalid."""
    station = ProbeHttpClient(os.environ["ANDEN_PROBE_URL"], timeout_s=ANSWER_WITHIN_S)
    secret = os.environ["ANDEN_PROBE_KEY_SECRET"]
    return ProbeRounds(station, lambda: secret_text(secret))


def _response(found: list[ProbeCheckResult], at_s: float) -> dict[str, Any]:
    """The gateway's response: each check's result and the time, without details."""
    up = bool(found) and all(outcome.passed for outcome in found)
    body = {
        "station": "up" if up else "down" if found else "unknown",
        "at": datetime.datetime.fromtimestamp(int(at_s), datetime.UTC).isoformat(),
        "checks": {outcome.name: outcome.passed for outcome in found},
    }
    return {
        "statusCode": 200 if up else 503,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body),
    }
