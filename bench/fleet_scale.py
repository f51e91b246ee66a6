"""Cost of one evaluation: CPU seconds and peak memory, each in its own process.

`python -m bench.fleet_scale 10000` measures one size and prints the result as JSON.
"""

import json
import subprocess
import sys
import time
from typing import Final

import numpy as np

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.observation import Observation
from apps.fleet.engine.signals import SIGNALS
from bench.memory import own_peak_bytes
from bench.result import Result, limit

SIZES: Final = (50, 1_000, 10_000)
_POINTS: Final = 60
_DAYS: Final = 7
_ROUNDS: Final = 3
_MOST_S: Final = 3.0
_MOST_MIB: Final = 1_024.0


def measure() -> dict[int, dict[str, float]]:
    """By size of the fleet: seconds of one core, and the peak MiB of the process, including the observation."""
    found = {}
    for size in SIZES:
        command = [sys.executable, "-m", "bench.fleet_scale", str(size)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[size] = json.loads(output)
        print(f"fleet: N={size:,}: {found[size]['seconds']:.3f} s, {found[size]['mib']:.0f} MiB", flush=True)
    return found


def claims(found: dict[int, dict[str, float]]) -> list[Result]:
    """The claims for the README."""
    largest = max(found)
    named = f"Evaluating {largest:,} services × {len(SIGNALS)} signals"
    return [
        limit(f"{named}: one core, compared with its limit", "s", found[largest]["seconds"], most=_MOST_S),
        limit("… its peak memory, compared with its limit", "MiB", found[largest]["mib"], most=_MOST_MIB),
    ]


def markdown(found: dict[int, dict[str, float]]) -> str:
    """The Markdown table."""
    lines = ["| N | seconds of one core | peak MiB |", "|---|---|---|"]
    lines += [f"| {size:,} | {figures['seconds']:.3f} | {figures['mib']:.0f} |" for size, figures in found.items()]
    return "\n".join(lines)


def _observation(services: int) -> Observation:
    rng = np.random.default_rng(0)
    shape = (services, len(SIGNALS))
    now = np.exp(0.2 * rng.standard_normal((*shape, _POINTS), dtype=np.float32))
    past = np.empty((*shape, _DAYS, _POINTS), np.float32)
    for day in range(_DAYS):
        past[:, :, day] = np.exp(0.2 * rng.standard_normal((*shape, _POINTS), dtype=np.float32))
        past[:, :, day][rng.random((*shape, _POINTS), dtype=np.float32) < 0.05] = np.nan
    return Observation(
        services=tuple(f"service-{number}" for number in range(services)),
        zones=tuple("abc"[number % 3] for number in range(services)),
        signals=SIGNALS,
        times_s=1.7e9 + 60.0 * np.arange(_POINTS, dtype=np.float64),
        now=now,
        past=past,
        deployed_s=np.full(services, np.nan),
    )


def main(services: int) -> None:
    """Print the figures of one size."""
    observation = _observation(services)
    seconds = []
    for _ in range(_ROUNDS):
        # CPU time, not wall time: it runs on one thread, and other work on the machine must not count.
        started = time.process_time()
        evaluate(observation)
        seconds.append(time.process_time() - started)
    print(json.dumps({"seconds": min(seconds), "mib": own_peak_bytes() / 2**20}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
