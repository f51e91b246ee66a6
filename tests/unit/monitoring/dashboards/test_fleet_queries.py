"""Queries of the fleet dashboards return the right samples for a small fleet, by promtool."""

from pathlib import Path
from typing import Final

import pytest

from apps.fleet.metrics import FLEET_SCORE, FLEET_STATE
from apps.monitoring.alerts.fleet_recordings import PEERS, SERVICES_UP_TO
from apps.monitoring.dashboards.definitions.fleet import FLEET
from apps.monitoring.dashboards.definitions.service import SERVICE
from apps.monitoring.dashboards.model import Dashboard, PanelQuery
from apps.telemetry.metric import Metric
from tests.unit.monitoring.alerts.promtool import Question, labelled, run

SCORES: Final[dict[str, dict[str, float]]] = {
    "cart": {"latency_p95": 7, "error_ratio": 1},
    "mail": {"latency_p95": 0.5, "error_ratio": 2.5},
    "shop": {"latency_p95": -1, "error_ratio": 0.25},
    "auth": {"latency_p95": 1.5},
}
STATES: Final = {"cart": "1x60", "mail": "0x20 1x10 0x30", "shop": "0x60", "auth": "0x60", "gone": "2x60"}
"""cart is an outlier now, mail was one for a while, gone has no data."""
NOW: Final = "60m"


def fleet() -> dict[str, str]:
    scores = {
        f"{FLEET_SCORE.name}{labelled(service=service, signal=signal)}": f"{value}x60"
        for service, values in SCORES.items()
        for signal, value in values.items()
    }
    states = {f"{FLEET_STATE.name}{labelled(service=service)}": values for service, values in STATES.items()}
    return scores | states


def asked(dashboard: Dashboard, title: str, letter: int = 0) -> str:
    panel = next(each for each in dashboard.panels if each.title == title)
    target = panel.queries[letter]
    assert isinstance(target, PanelQuery)
    return target.query.text.replace("$__range", "1h").replace("$service", "mail").replace("$worst", "cart")


def recorded(metric: Metric, **labels: str) -> str:
    return f"{metric.name}{labelled(**labels)}"


ANSWERS: Final = {
    "the ranked table shows each service's worst signal": Question(
        asked(FLEET, "20 worst services"),
        NOW,
        {
            '{service="cart", signal="latency_p95"}': 7,
            '{service="mail", signal="error_ratio"}': 2.5,
            '{service="auth", signal="latency_p95"}': 1.5,
            '{service="shop", signal="error_ratio"}': 0.25,
        },
    ),
    "the ranked table shows the state of its services only": Question(
        asked(FLEET, "20 worst services", 1),
        NOW,
        {'{service="cart"}': 1, '{service="mail"}': 0, '{service="auth"}': 0, '{service="shop"}': 0},
    ),
    "the timeline shows the services flagged within the range only": Question(
        asked(FLEET, "Flagged services"), NOW, {'{service="cart"}': 1, '{service="mail"}': 0}
    ),
    "the distribution counts each service once": Question(
        asked(FLEET, "Score distribution"),
        NOW,
        {
            '{le="1"}': 1,
            '{le="2"}': 2,
            '{le="3"}': 3,
            '{le="4"}': 3,
            '{le="6"}': 3,
            '{le="10"}': 4,
            '{le="+Inf"}': 4,
        },
    ),
    "the repeated panel shows the service's signals": Question(
        asked(FLEET, "$worst"), NOW, {'{signal="latency_p95"}': 7, '{signal="error_ratio"}': 1}
    ),
    "the rank counts services with a worse score": Question(asked(SERVICE, "Rank in the fleet"), NOW, {"{}": 2}),
    "the peers' median is that of the worst scores": Question(
        recorded(PEERS, signal="worst", band="p50"), NOW, {recorded(PEERS, signal="worst", band="p50"): 2}
    ),
    "a signal's median is that of the services that have it": Question(
        recorded(PEERS, signal="error_ratio", band="p50"), NOW, {recorded(PEERS, signal="error_ratio", band="p50"): 1}
    ),
}


@pytest.mark.parametrize("question", ANSWERS.values(), ids=ANSWERS)
def test_query_returns_the_expected_samples(question: Question, tmp_path: Path) -> None:
    assert run(tmp_path, [(fleet(), [question])], files=["fleet-recordings"]) == ""


def test_without_a_fleet_nothing_is_recorded_and_there_is_no_rank(tmp_path: Path) -> None:
    questions = [
        Question(SERVICES_UP_TO.name, NOW),
        Question(PEERS.name, NOW),
        Question(asked(SERVICE, "Rank in the fleet"), NOW),
    ]
    assert run(tmp_path, [({"up": "1x60"}, questions)], files=["fleet-recordings"]) == ""


def test_wrong_expectation_is_detected(tmp_path: Path) -> None:
    question = Question(asked(FLEET, "Flagged services"), NOW, {'{service="shop"}': 1})
    assert "shop" in run(tmp_path, [(fleet(), [question])], files=["fleet-recordings"])
