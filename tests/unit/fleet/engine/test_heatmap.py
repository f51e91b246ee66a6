"""The rows of the heatmap: outliers and services without data keep their own row as long as there are rows."""

import numpy as np

from apps.fleet.engine import heatmap
from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.simulation import FleetSpec, generate

NAMES = tuple(f"service-{number}" for number in range(200))


def test_outliers_rank_first_then_no_data_then_score() -> None:
    scores = np.array([[1.0], [9.0], [np.nan], [2.0], [np.nan], [5.0]], np.float32)
    states = np.array(
        [
            ServiceState.OK,
            ServiceState.OUTLIER,
            ServiceState.NO_DATA,
            ServiceState.OK,
            ServiceState.NO_DATA,
            ServiceState.OUTLIER,
        ],
        np.int8,
    )
    assert heatmap.ranked(states, scores).tolist() == [1, 5, 2, 4, 3, 0]


def test_services_without_data_have_their_own_row_in_a_large_fleet() -> None:
    scores = np.linspace(0, 2, 400, dtype=np.float32).reshape(200, 2)
    states = np.full(200, ServiceState.OK, np.int8)
    scores[[3, 77], 1], states[[3, 77]] = np.nan, ServiceState.NO_DATA
    rows, labels = heatmap.rows(NAMES, heatmap.ranked(states, scores), scores)
    assert labels[:2] == ("service-3", "service-77")
    assert np.isnan(rows[:, 1]).tolist() == [True, True] + [False] * (heatmap.ROWS - 2)


def test_a_service_without_an_expected_signal_has_no_score() -> None:
    observation, _ = generate(FleetSpec(services=12, gaps=0.0), 4)
    observation.now[5, 2] = np.nan
    evaluation = evaluate(observation)
    assert evaluation.state[5] == ServiceState.NO_DATA
    assert np.isnan(evaluation.worst()).tolist() == [number == 5 for number in range(12)]
