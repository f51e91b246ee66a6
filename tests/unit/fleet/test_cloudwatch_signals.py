"""The file of CloudWatch metrics: read completely, or refused with the name of the field."""

from typing import Any

import pytest

from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.sources.cloudwatch_signals import LAMBDA, SignalsInvalid, parse_fleet_metrics

LATENCY = {"metric": "Duration", "statistic": "p95", "factor": 0.001}
SOUND: dict[str, Any] = {
    "namespace": "AWS/Lambda",
    "dimensions": ["FunctionName"],
    "signals": {"latency_p95": LATENCY},
}


def test_a_valid_document_is_read() -> None:
    fleet = parse_fleet_metrics(SOUND)
    assert fleet.service == "FunctionName"
    (query,) = fleet.queries(period_s=300)
    assert query.expression == "SEARCH('{AWS/Lambda,\"FunctionName\"} MetricName=\"Duration\"', 'p95', 300)"
    assert (query.labels, query.label) == (("latency_p95", "value"), "${PROP('Dim.FunctionName')}")


def test_the_default_metrics_use_known_signals() -> None:
    assert {name for name, _ in LAMBDA.signals} <= SIGNAL_BY_NAME.keys()
    assert len(LAMBDA.queries(period_s=60)) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "colour: unknown field"),
        ({"namespace": None}, "namespace: must be text"),
        ({"namespace": "AWS/Lambda'} x"}, "namespace: must be text"),
        ({"dimensions": "FunctionName"}, "dimensions: must be a list"),
        ({"service": "Resource"}, "service: must be one of the dimensions"),
        ({"signals": {}}, "signals: must be a mapping"),
        ({"signals": {"colour": LATENCY}}, "signals.colour: unknown signal"),
        ({"signals": {"latency_p95": {**LATENCY, "unit": "s"}}}, "signals.latency_p95: must be a mapping"),
        ({"signals": {"latency_p95": {**LATENCY, "statistic": "p101"}}}, "latency_p95.statistic: must be"),
        ({"signals": {"latency_p95": {**LATENCY, "factor": 0}}}, "latency_p95.factor: must be"),
        ({"signals": {"latency_p95": {**LATENCY, "per_second": "yes"}}}, "latency_p95.per_second: must be"),
        ({"signals": {"latency_p95": {**LATENCY, "absent_is_zero": True}}}, "absent_is_zero: requires `over`"),
        ({"dimensions": ["A", "B"], "service": "A", "services": ["x"]}, "services: requires exactly one dimension"),
    ],
)
def test_an_invalid_document_is_refused_with_its_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SignalsInvalid, match=message):
        parse_fleet_metrics({**SOUND, **changes})


def test_a_document_that_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(SignalsInvalid, match="expected a mapping"):
        parse_fleet_metrics(["AWS/Lambda"])
