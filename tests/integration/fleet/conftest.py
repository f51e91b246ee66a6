"""Shared by the fleet's tests: a source with a fleet chosen by the test, and the command."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from django.core.management import call_command

from apps.fleet.engine.observation import Observation
from apps.fleet.engine.signals import SIGNALS

AT_S = 1_799_999_940.0


class HeldSource:
    """Services at their baseline, times the factors that a test sets; fails with `failure` if it is set."""

    def __init__(self, services: int = 30) -> None:
        self.names = tuple(f"service-{number:03}" for number in range(services))
        self.factors: dict[tuple[str, str], float] = {}
        self.silent: set[str] = set()
        self.failure: Exception | None = None
        self.deployed: dict[str, float] = {}

    def observe(self, at_s: float) -> Observation:
        """The window that ends now, with noise that depends on the time."""
        if self.failure is not None:
            raise self.failure
        rng = np.random.default_rng(int(at_s))
        shape = (len(self.names), len(SIGNALS))
        baseline = np.array([40, 0.01, 0.1, 0.004, 0.01, 0.3], dtype=np.float32)[None, :, None]
        now = baseline * np.exp(0.05 * rng.standard_normal((*shape, 60))).astype(np.float32)
        past = baseline[:, :, None] * np.exp(0.05 * rng.standard_normal((*shape, 7, 60))).astype(np.float32)
        for (service, signal), factor in self.factors.items():
            now[self.names.index(service), [known.name for known in SIGNALS].index(signal)] *= factor
        for service in self.silent:
            now[self.names.index(service)] = np.nan
        last_s = at_s // 60 * 60
        return Observation(
            services=self.names,
            zones=("",) * len(self.names),
            signals=SIGNALS,
            times_s=np.asarray(last_s - 60.0 * np.arange(59, -1, -1), dtype=np.float64),
            now=now.astype(np.float32),
            past=past.astype(np.float32),
            deployed_s=np.array([self.deployed.get(name, np.nan) for name in self.names]),
        )


@pytest.fixture
def source() -> HeldSource:
    return HeldSource()


@pytest.fixture
def fleet() -> Callable[..., str]:
    """A function that runs `manage.py fleet …` and returns its output."""

    def run(*words: object) -> str:
        out = io.StringIO()
        call_command("fleet", *map(str, words), stdout=out)
        return out.getvalue()

    return run
