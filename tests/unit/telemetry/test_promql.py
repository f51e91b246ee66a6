"""PromQL from metric objects: Prometheus can parse the result, and unknown names are rejected."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.telemetry import promql
from apps.telemetry.metric import Metric
from apps.telemetry.promql import LabelMatcher, PromqlQuery
from tests.requirement import skip_or_fail

REQUESTS = Metric("anden_x_requests_total", "Requests.", "counter", labels=("route", "status"))
SECONDS = Metric("anden_x_seconds", "Seconds.", "histogram", labels=("route",), buckets=(0.25, 1, 2.5))
LAG = Metric("anden_x_lag_seconds", "Lag.", "gauge", labels=("dataset",))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (promql.series(LAG), "anden_x_lag_seconds"),
        (promql.level(LAG, by=("dataset",)), "max by (dataset) (anden_x_lag_seconds)"),
        (
            promql.rate(REQUESTS, LabelMatcher("status", "5xx"), by=("route",), window="5m"),
            'sum by (route) (rate(anden_x_requests_total{status="5xx"}[5m]))',
        ),
        (
            promql.increase(REQUESTS, LabelMatcher("status", "2..", "!~"), window="1h"),
            'sum (increase(anden_x_requests_total{status!~"2.."}[1h]))',
        ),
        (
            promql.quantile(0.95, SECONDS, by=("route",)),
            "histogram_quantile(0.95, sum by (route, le) (rate(anden_x_seconds_bucket[$__rate_interval])))",
        ),
        (promql.rate_within(SECONDS, 0.25, window="5m"), 'sum (rate(anden_x_seconds_bucket{le="0.25"}[5m]))'),
        (promql.rate_within(SECONDS, 1, window="5m"), 'sum (rate(anden_x_seconds_bucket{le="1.0"}[5m]))'),
        (promql.count_rate(SECONDS, window="5m"), "sum (rate(anden_x_seconds_count[5m]))"),
        (promql.sum_rate(SECONDS, window="5m"), "sum (rate(anden_x_seconds_sum[5m]))"),
    ],
)
def test_a_query_has_prometheus_formatting(query: PromqlQuery, text: str) -> None:
    assert str(query) == text


def test_a_composed_query_names_each_metric_once_in_order() -> None:
    query = promql.compose("{} / ({} + {})", promql.rate(REQUESTS), promql.rate(REQUESTS), promql.series(LAG))
    assert query.metrics == (REQUESTS, LAG)


@pytest.mark.parametrize(
    "made",
    [
        lambda: promql.rate(LAG),
        lambda: promql.level(REQUESTS),
        lambda: promql.quantile(0.5, REQUESTS),
        lambda: promql.rate(REQUESTS, by=("dataset",)),
        lambda: promql.rate(REQUESTS, LabelMatcher("le", "1")),
        lambda: promql.rate_within(SECONDS, 0.3),
    ],
)
def test_an_unknown_label_or_bucket_raises_with_its_name(made: Callable[[], PromqlQuery]) -> None:
    with pytest.raises(ValueError, match="anden_x_"):
        made()


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_a_label_value_may_contain_anything(value: str) -> None:
    text = str(LabelMatcher("route", value))
    inner = text.removeprefix('route="').removesuffix('"')
    assert "\n" not in inner
    assert inner.replace("\\\\", "").replace('\\"', "").count('"') == 0
    assert inner.replace("\\\\", "\0").replace('\\"', '"').replace("\\n", "\n").replace("\0", "\\") == value


def test_promtool_parses_every_shape(tmp_path: Path) -> None:
    promtool = shutil.which("promtool") or skip_or_fail("promtool is not installed: apt-get install prometheus")
    queries = [
        promql.rate(REQUESTS, LabelMatcher("route", 'a"b\\c\n'), by=("route", "job"), window="5m"),
        promql.quantile(0.99, SECONDS, by=("route",), window="5m"),
        promql.rate_within(SECONDS, 2.5, window="5m"),
        promql.compose("{} / {}", promql.count_rate(SECONDS, window="5m"), promql.sum_rate(SECONDS, window="5m")),
    ]
    rules = "".join(f"      - record: a:b{i}\n        expr: |-\n          {q}\n" for i, q in enumerate(queries))
    path = tmp_path / "rules.yaml"
    path.write_text(f"groups:\n  - name: all\n    rules:\n{rules}")
    checked = subprocess.run([promtool, "check", "rules", path], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
