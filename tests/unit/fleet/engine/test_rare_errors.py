"""Isolated errors are not flagged, however quiet the signal is otherwise; a rise is."""

import numpy as np
import pytest

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.observation import Observation
from apps.fleet.engine.signals import SIGNAL_BY_NAME

POINTS = 60
DAYS = 7


def fleet(
    rng: np.random.Generator, services: int, share: float, factor: float = 1.0, *, asked: float = 300
) -> Observation:
    """A fleet whose services fail single requests, the first of them `factor` times as often now."""
    requests = asked * np.exp(rng.normal(0, 1, services))
    failing = np.minimum(share * np.exp(rng.normal(0, 1.5, services)), 0.5)
    more = np.ones(services)
    more[0], failing[0] = factor, share
    past_requests = np.maximum(rng.poisson(requests[:, None, None], (services, DAYS, POINTS)), 1)
    past = rng.binomial(past_requests, failing[:, None, None]) / past_requests
    now_requests = np.maximum(rng.poisson(requests[:, None], (services, POINTS)), 1)
    now = rng.binomial(now_requests, (failing * more)[:, None]) / now_requests
    return Observation(
        services=tuple(f"service-{number}" for number in range(services)),
        zones=("",) * services,
        signals=(SIGNAL_BY_NAME["request_rate"], SIGNAL_BY_NAME["error_ratio"]),
        times_s=np.arange(POINTS, dtype=np.float64) * 60 + 1.79e9,
        now=np.stack([now_requests / 60, now], axis=1).astype(np.float32),
        past=np.stack([past_requests / 60, past], axis=1).astype(np.float32),
        deployed_s=np.full(services, np.nan),
    )


@pytest.mark.parametrize("share", [1e-4, 1e-3])
def test_single_errors_are_not_flagged(share: float) -> None:
    rng = np.random.default_rng(20_261_124)
    flags = [flag for _ in range(20) for flag in evaluate(fleet(rng, 100, share)).flags]
    assert len(flags) / (20 * 100) <= 0.004


def test_few_errors_are_not_treated_as_steady_as_many() -> None:
    rng = np.random.default_rng(20_261_126)
    sizes = ((0.01, 100), (0.01, 300), (0.03, 100))
    found = [evaluate(fleet(rng, 100, share, asked=asked)) for share, asked in sizes for _ in range(20)]
    flags = [flag for evaluation in found for flag in evaluation.flags if flag.signal == "error_ratio"]
    assert len(flags) / (60 * 100) <= 0.0015


def test_a_rise_of_rare_errors_is_flagged() -> None:
    rng = np.random.default_rng(7)
    found = [
        any(flag.service == "service-0" for flag in evaluate(fleet(rng, 50, 1e-3, factor=20)).flags) for _ in range(20)
    ]
    assert all(found)
