"""A metric's object is made once, though the threads of a fresh process ask for it at the same moment."""

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
    """Threads that change as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_threads_that_ask_first_together_get_the_same_object(hasty: None) -> None:
    start = Barrier(THREADS)

    def asked(metric: Metric) -> int:
        start.wait()
        return id(prometheus.counter(metric))

    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(ROUNDS):
            metric = Metric(f"anden_trial_{number}_total", "A trial.", "counter")
            assert len(set(threads.map(asked, [metric] * THREADS))) == 1
            REGISTRY.unregister(prometheus.counter(metric))
