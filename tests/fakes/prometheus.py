"""A fake Prometheus for tests: real HTTP, as strict as Prometheus, with canned series.

It does not evaluate PromQL: tests register each query with its result. Everything else passes the same contract tests
as a real Prometheus (tests/contract/monitoring).
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

LOOKBACK_S: Final = 300
"""A sample is valid for five minutes."""
MOST_POINTS: Final = 11_000
_PARAMETERS: Final = {
    "/api/v1/query_range": {"query", "start", "end", "step", "timeout"},
    "/api/v1/query": {"query", "time", "timeout"},
}


@dataclass(frozen=True, slots=True)
class FakeSeries:
    """One series of a result: its labels, and its samples as (epoch second, value), ascending."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]

    def at(self, time_s: float) -> float | None:
        """The value at this time, or None."""
        newest = None
        for sampled_s, value in self.samples:
            if sampled_s > time_s:
                break
            newest = value if sampled_s > time_s - LOOKBACK_S else None
        return newest


@dataclass(slots=True)
class FakePrometheus:
    """Results by query text, recorded requests, and injected failures.

    `next_answers` are returned first: (status, raw body).
    """

    results: dict[str, list[FakeSeries]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    next_answers: deque[tuple[int, bytes]] = field(default_factory=deque)
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hold: Callable[[], None] = lambda: None
    """Called before each response: a test can wait in it."""

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and document of this request."""
        unknown = set(form) - _PARAMETERS.get(path, set())
        if path not in _PARAMETERS or unknown:
            return _refused(f"the fake knows no {path} with {sorted(unknown)}")
        self.asked.append({"path": path, **form})
        held = self.results.get(form.get("query", ""))
        if held is None:
            return _refused(f'invalid parameter "query": 1:1: parse error: {form.get("query")}')
        if path == "/api/v1/query":
            return self._success("vector", list(_instants(held, float(form["time"]))))
        start_s, end_s, step_s = (float(form[name]) for name in ("start", "end", "step"))
        if step_s <= 0 or end_s < start_s:
            return _refused("zero or negative query resolution step widths, or an end before the start")
        if (end_s - start_s) / step_s > MOST_POINTS:
            return _refused(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        times_s = [start_s + step_s * point for point in range(int((end_s - start_s) / step_s) + 1)]
        return self._success("matrix", list(_ranges(held, times_s)))

    def _success(self, kind: str, result: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        data = {"resultType": kind, "result": result}
        warnings = {"warnings": self.warnings} if self.warnings else {}
        return 200, {"status": "success", "data": data, **warnings}


@contextmanager
def serving(fake: FakePrometheus) -> Iterator[str]:
    """The URL of the fake, on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, fake))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request to the fake."""

    def __init__(self, fake: FakePrometheus, *details: Any) -> None:
        self._fake = fake
        super().__init__(*details)

    def do_POST(self) -> None:
        """Answer a query."""
        length = int(self.headers.get("Content-Length", 0))
        form = {name: values[-1] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        self._fake.headers.append(dict(self.headers.items()))
        self._fake.hold()
        if self._fake.next_answers:
            status, body = self._fake.next_answers.popleft()
        else:
            status, document = self._fake.answer(self.path, form)
            body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the asker did not wait

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def _instants(held: Sequence[FakeSeries], time_s: float) -> Iterator[dict[str, Any]]:
    for series in held:
        value = series.at(time_s)
        if value is not None:
            yield {"metric": dict(series.labels), "value": [time_s, _number(value)]}


def _ranges(held: Sequence[FakeSeries], times_s: Sequence[float]) -> Iterator[dict[str, Any]]:
    for series in held:
        values = [[time_s, _number(value)] for time_s in times_s if (value := series.at(time_s)) is not None]
        if values:
            yield {"metric": dict(series.labels), "values": values}


def _number(value: float) -> str:
    """The number as Prometheus formats it."""
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _refused(error: str) -> tuple[int, dict[str, Any]]:
    return 400, {"status": "error", "errorType": "bad_data", "error": error}
