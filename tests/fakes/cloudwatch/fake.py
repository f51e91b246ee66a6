"""A strict fake CloudWatch: real HTTP on loopback, in the JSON protocol that boto3 uses.

It enforces AWS's limits, throttles, paginates, delivers data late, and rejects as AWS does. It supports SEARCH but not
metric math, which Andén does not use. The caller supplies its clock. Source: the service model in botocore,
monitoring 2010-08-01, and the API reference of GetMetricData.
"""

import argparse
import gzip
import json
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from apps.cloudwatch.collector.batching import POINTS_A_CALL
from apps.cloudwatch.collector.rate_limit import LIMIT_A_SECOND
from tests.fakes.cloudwatch.checks import Refused, check_dashboard, check_metric_data
from tests.fakes.cloudwatch.metrics import FakeMetrics, Series, label_of, series_of
from tests.fakes.cloudwatch.signature import check_signature

TARGET: Final = "GraniteServiceVersion20100801."
KEYS: Final = {"AKIDFAKE": "wJalrSECRETSECRETSECRET"}
"""The access keys and secret keys that the fake accepts; valid nowhere else."""


@dataclass(slots=True)
class CloudWatchFault:
    """An error that the next calls return."""

    code: str
    status: int = 400
    calls: int = 1
    message: str = "injected"


@dataclass(slots=True)
class FakeCloudWatch:
    """The state of the fake and the requests it received; `with` runs it."""

    clock: Callable[[], float] = time.time
    wall: Callable[[], float] = time.time
    """The clock for signatures."""
    secrets: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    denied: set[str] = field(default_factory=set)
    expired_tokens: set[str] = field(default_factory=set)
    page_points: int = POINTS_A_CALL
    slow_s: float = 0.0
    unreadable: set[str] = field(default_factory=set)
    """Metrics whose status is InternalError."""
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    dashboards: dict[str, str] = field(default_factory=dict)
    faults: deque[CloudWatchFault] = field(default_factory=deque)
    calls: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[float, int]] = field(default_factory=list)
    """Time and number of metrics of each GetMetricData call, including refused ones."""
    requested: int = 0
    """Metrics in answered calls: what AWS bills."""
    throttled: int = 0
    port: int = 0
    """The port on loopback; 0: any free port."""
    _tokens: dict[str, tuple[list[Any], int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        """The endpoint_url for boto3."""
        if self._server is None:
            raise RuntimeError("the fake is not running: use `with`")
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        at_s: float,
        *values: float,
        visible_s: float = float("-inf"),
    ) -> None:
        """Observe values, visible from `visible_s`."""
        self.metrics.put(Series(namespace, name, frozenset(dimensions.items())), at_s, values, visible_s=visible_s)

    def answer(self, action: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """CloudWatch's response. Raises Refused."""
        with self._lock:
            self.calls[action] += 1
            if action == "GetMetricData":
                self.asked.append((self.clock(), len(request.get("MetricDataQueries", ()))))
            if self.faults:
                fault = self.faults[0]
                fault.calls -= 1
                if fault.calls <= 0:
                    self.faults.popleft()
                raise Refused(fault.code, fault.message, fault.status)
            match action:
                case "GetMetricData":
                    return self._metric_data(request)
                case "GetDashboard":
                    return self._dashboard(str(request.get("DashboardName", "")))
                case "PutDashboard":
                    return self._put_dashboard(str(request.get("DashboardName")), str(request.get("DashboardBody")))
                case _:
                    raise Refused("UnknownOperationException", f"{action} is not supported by the fake", 404)

    def _metric_data(self, request: Mapping[str, Any]) -> dict[str, Any]:
        now_s = self.clock()
        if sum(1 for at_s, _ in self.asked if now_s - 1 < at_s <= now_s) > LIMIT_A_SECOND:
            self.throttled += 1
            raise Refused("Throttling", "Rate exceeded")
        check_metric_data(request)
        token = request.get("NextToken")
        if token is None:
            results, first = self._results(request, now_s), 0
        elif token in self._tokens:
            results, first = self._tokens.pop(token)
        else:
            raise Refused("InvalidNextToken", "The next token specified is invalid.")
        self.requested += max(len(results), len(request["MetricDataQueries"]))
        return self._page(results, first, min(self.page_points, request.get("MaxDatapoints", POINTS_A_CALL)))

    def _results(self, request: Mapping[str, Any], now_s: float) -> list[dict[str, Any]]:
        results = []
        for query in request["MetricDataQueries"]:
            for series, statistic, period_s in self._expand(query):
                points = self.metrics.points(
                    series,
                    start_s=request["StartTime"],
                    end_s=request["EndTime"],
                    period_s=period_s,
                    statistic=statistic,
                    now_s=now_s,
                )
                status = "InternalError" if series.name in self.unreadable else "Complete"
                if status == "InternalError":
                    points = []
                if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
                    points.reverse()
                label = label_of(series, query.get("Label", ""))
                if query.get("ReturnData", True):
                    results.append({"Id": query["Id"], "Label": label, "points": points, "StatusCode": status})
        return results

    def _expand(self, query: Mapping[str, Any]) -> list[tuple[Series, str, int]]:
        if "MetricStat" in query:
            stat = query["MetricStat"]
            return [(series_of(stat["Metric"]), stat["Stat"], stat["Period"])]
        try:
            found, statistic = self.metrics.search(query["Expression"])
        except ValueError as error:
            raise Refused("ValidationError", str(error)) from error
        return [(series, statistic, query.get("Period", 60)) for series in found[:500]]

    def _page(self, results: list[dict[str, Any]], first: int, limit: int) -> dict[str, Any]:
        """The points from `first` on, counted over all results, up to the limit, and a token if there are more."""
        page, position, last = [], 0, first + limit
        for one in results:
            begin, end = position, position + len(one["points"])
            position = end
            if end <= first and one["points"]:
                continue
            if begin >= last and one["points"]:
                break
            points = one["points"][max(0, first - begin) : last - begin]
            status = one["StatusCode"] if end <= last else "PartialData"
            page.append(
                {
                    "Id": one["Id"],
                    "Label": one["Label"],
                    "Timestamps": [at_s for at_s, _ in points],
                    "Values": [value for _, value in points],
                    "StatusCode": status,
                }
            )
        more = sum(len(one["points"]) for one in results) > last
        body: dict[str, Any] = {"MetricDataResults": page, "Messages": []}
        if more:
            token = uuid.uuid4().hex
            self._tokens[token] = (results, last)
            body["NextToken"] = token
        return body

    def _dashboard(self, name: str) -> dict[str, Any]:
        if name not in self.dashboards:
            raise Refused("ResourceNotFound", f"Dashboard {name} does not exist", 404)
        # AWS returns an equivalent document, not the same bytes.
        body = json.dumps(json.loads(self.dashboards[name]), sort_keys=True, separators=(",", ":"))
        return {
            "DashboardArn": f"arn:aws:cloudwatch::1:dashboard/{name}",
            "DashboardBody": body,
            "DashboardName": name,
        }

    def _put_dashboard(self, name: str, body: str) -> dict[str, Any]:
        messages = check_dashboard(name, body)
        self.dashboards[name] = body
        return {"DashboardValidationMessages": messages}


class _Handler(BaseHTTPRequestHandler):
    """AWS JSON 1.0 with query-compatible errors."""

    fake: FakeCloudWatch
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Headers and body in one packet: in two, each response would wait 40 ms for an acknowledgement."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.fake.slow_s:
            time.sleep(self.fake.slow_s)
        try:
            action = self._action()
            self._admit(action, raw)
            body, status, error = self.fake.answer(action, json.loads(self._plain(raw))), 200, ""
        except Refused as refused:
            body = {"__type": f"com.amazonaws.cloudwatch#{refused.code}", "message": refused.message}
            status, error = refused.status, refused.code
        with suppress(ConnectionError):  # the client may have disconnected
            self._send(body, status, error)

    def _plain(self, raw: bytes) -> bytes:
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def _action(self) -> str:
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith(TARGET) or self.headers.get("Content-Type") != "application/x-amz-json-1.0":
            raise Refused("UnknownOperationException", "only AWS JSON 1.0 is supported", 404)
        return target.removeprefix(TARGET)

    def _admit(self, action: str, raw: bytes) -> None:
        """Raises Refused: invalid signature, expired token, or denied action."""
        check_signature(self.headers, raw, secrets=self.fake.secrets, now_s=self.fake.wall())
        if self.headers.get("X-Amz-Security-Token", "") in self.fake.expired_tokens:
            raise Refused("ExpiredToken", "The security token included in the request is expired", 403)
        if action in self.fake.denied:
            raise Refused(
                "AccessDenied", f"User: arn:aws:iam::1:role/x is not authorized to perform: cloudwatch:{action}", 403
            )

    def _send(self, body: Mapping[str, Any], status: int, error: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if error:
            self.send_header("x-amzn-query-error", f"{error};Sender" if status < 500 else f"{error};Receiver")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent: tests read the recorded requests."""


def main() -> None:
    """Run until interrupted, with a function `notify` that has a new point every minute."""
    parser = argparse.ArgumentParser(description="A strict CloudWatch on loopback, for developers.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free port)")
    ((key, secret),) = KEYS.items()
    with FakeCloudWatch(port=parser.parse_args().port) as fake, suppress(KeyboardInterrupt):
        print(  # noqa: T201 - the output of the command
            f"export ANDEN_CLOUDWATCH_REGION=eu-west-1 ANDEN_CLOUDWATCH_ENDPOINT_URL={fake.url} \\\n"
            f"  ANDEN_CLOUDWATCH_FUNCTIONS=notify AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}",
            flush=True,
        )
        minute = int(time.time() // 60) - 15
        while True:
            for at in range(minute, int(time.time() // 60)):
                for name, value in (("Invocations", 60 + at % 7), ("Errors", at % 3), ("Duration", 40 + at % 11)):
                    fake.put("AWS/Lambda", name, {"FunctionName": "notify"}, 60.0 * at, value)
                minute = at + 1
            time.sleep(1)


if __name__ == "__main__":
    main()
