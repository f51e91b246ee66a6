"""The rows of the heat map: nobody who stands out or has no data shares a row while there are rows to name."""

import numpy as np

from apps.fleet.engine import heatmap
from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.simulation import FleetSpec, generate

NAMES = tuple(f"service-{number}" for number in range(200))


def test_outliers_come_first_then_those_without_data_then_the_highest_scores() -> None:
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


def test_in_a_large_fleet_who_has_no_data_has_a_row_of_its_own() -> None:
    scores = np.linspace(0, 2, 400, dtype=np.float32).reshape(200, 2)
    states = np.full(200, ServiceState.OK, np.int8)
    scores[[3, 77], 1], states[[3, 77]] = np.nan, ServiceState.NO_DATA
    rows, labels = heatmap.rows(NAMES, heatmap.ranked(states, scores), scores)
    assert labels[:2] == ("service-3", "service-77")
    assert np.isnan(rows[:, 1]).tolist() == [True, True] + [False] * (heatmap.ROWS - 2)


def test_a_service_that_lacks_a_signal_has_no_score_whatever_its_other_signals_say() -> None:
    observation, _ = generate(FleetSpec(services=12, gaps=0.0), 4)
    observation.now[5, 2] = np.nan
    evaluation = evaluate(observation)
    assert evaluation.state[5] == ServiceState.NO_DATA
    assert np.isnan(evaluation.worst()).tolist() == [number == 5 for number in range(12)]
