"""A metric's object is created once, even if the threads of a new process ask for it simultaneously."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from prometheus_client import REGISTRY

from apps.telemetry import prometheus
from apps.telemetry.metric import Metric

THREADS = 8
ROUNDS = 40


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that switch as often as possible."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_simultaneous_first_calls_return_the_same_object(hasty: None) -> None:
    start = Barrier(THREADS)

    def asked(metric: Metric) -> int:
        start.wait()
        return id(prometheus.counter(metric))

    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(ROUNDS):
            metric = Metric(f"anden_trial_{number}_total", "A trial.", "counter")
            assert len(set(threads.map(asked, [metric] * THREADS))) == 1
            REGISTRY.unregister(prometheus.counter(metric))
