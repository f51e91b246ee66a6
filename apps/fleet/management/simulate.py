"""`manage.py fleet simulate`: its arguments, and the loop that keeps the simulation up to date."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from apps.fleet.engine.counters import SimulatedCounters
from apps.fleet.engine.observation import Floats
from apps.fleet.exporters.simulated_metrics import serve
from apps.fleet.services.simulation import SimulatedFleetWriter
from apps.fleet.simulation import FleetSpec, SimulatedFleet
from apps.fleet.simulation.fault_spec import FAULT_FORMAT, KINDS, InvalidFault, parse_fault
from apps.fleet.sources.file_source import READERS

MOST: int = 20_000
"""Maximum number of simulated services."""


def add_simulate_arguments(parser: CommandParser) -> None:
    """Declare the arguments of `fleet simulate`."""
    parser.add_argument("--services", type=int, default=50, help="number of services (50)")
    parser.add_argument(
        "--fault", action="append", default=[], metavar=FAULT_FORMAT, help=f"kinds: {', '.join(KINDS)}"
    )
    parser.add_argument("--seed", type=int, default=1, help="random seed (1); the same seed gives the same fleet")
    parser.add_argument("--file", type=Path, help="folder to write (ANDEN_FLEET_FILE)")
    parser.add_argument("--every", type=float, default=15, metavar="S", help="seconds between updates (15)")
    parser.add_argument("--port", type=int, help="also serve /metrics with OpenTelemetry's names on this port")
    parser.add_argument("--address", default="127.0.0.1", help="bind address of --port (127.0.0.1)")
    parser.add_argument("--once", action="store_true", help="write the files once and exit")
    parser.add_argument("--at", metavar="TIME", help="with --once: as of this time, ISO 8601, instead of now")


def simulate(
    options: dict[str, Any], *, say: Callable[[str], None], stop_event: Callable[[], threading.Event]
) -> None:
    """Write the simulated fleet until interrupted."""
    folder = options["file"] or settings.FLEET.file
    if folder is None:
        raise CommandError("no output folder: pass --file FOLDER or set ANDEN_FLEET_FILE")
    if folder.suffix in READERS:
        raise CommandError(f"{folder}: the simulation writes a folder of .npz files: drop the suffix {folder.suffix}")
    if not 1 <= options["services"] <= MOST:
        raise CommandError(f"--services {options['services']}: must be 1 to {MOST:,}")
    if not options["every"] >= 1:  # rejects NaN, too
        raise CommandError(f"--every {options['every']}: must be at least 1 second")
    if options["at"] and not options["once"]:
        raise CommandError("--at requires --once")
    at_s = moment_s(options["at"])
    fleet = build_simulated_fleet(options["services"], options["fault"], seed=options["seed"], at_s=at_s)
    writer = SimulatedFleetWriter(fleet, folder, settings.FLEET.span())
    writer.start(at_s)
    say(f"{options['services']:,} services in {folder}/, including their past; {_faults(options['fault'])}")
    counters = SimulatedCounters(fleet.services)
    counters.add(_values(fleet, at_s), options["every"])
    if options["port"] is not None:
        server = serve(counters.page, address=options["address"], port=options["port"])
        say(f"metrics at http://{options['address']}:{server.server_port}/metrics")
    if options["once"]:
        return
    stop = stop_event()
    while not stop.wait(options["every"]):
        writer.write(time.time())
        counters.add(_values(fleet, time.time()), options["every"])


def moment_s(text: str | None) -> float:
    """The requested time, epoch seconds; now by default."""
    if text is None:
        return time.time()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at {text}: not ISO 8601, for example 2026-03-01T14:05:00") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _values(fleet: SimulatedFleet, at_s: float) -> Floats:
    """The fleet's values in the step that contains this time."""
    step_s = fleet.spec.step_s
    return fleet.values(np.array([np.ceil(at_s / step_s) * step_s]))[:, :, 0]


def build_simulated_fleet(services: int, faults: Sequence[str], *, seed: int, at_s: float) -> SimulatedFleet:
    """The fleet that the arguments describe, with its window ending at `at_s`.

    Raises CommandError: names the invalid fault.
    """
    span = settings.FLEET.span()
    spec = FleetSpec(services=services, step_s=span.step_s, points=span.points, days=span.days, at_s=at_s)
    healthy = SimulatedFleet(spec, seed)
    try:
        found = tuple(parse_fault(words, healthy.services, healthy.zones) for words in faults)
    except InvalidFault as error:
        raise CommandError(f"--fault: {error}") from error
    return SimulatedFleet(replace(spec, faults=found), seed)


def _faults(words: Sequence[str]) -> str:
    return f"faults: {', '.join(words)}" if words else "no faults"
