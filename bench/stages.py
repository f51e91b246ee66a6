"""`python -m bench.stages`: where the time of a worker with a backlog goes, for flights and for events.

It prints a table for docs/performance.md, in microseconds per record.
"""

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bench.memory import tree_cpu_s
from bench.paths import set_paths
from bench.stage_clock import STAGES

if TYPE_CHECKING:
    from bench.servers import Servers

TOTAL, CLIENT, POSTGRES, KAFKA = "total", "client", "postgres", "kafka"
CPU: Final[Mapping[str, str]] = {
    CLIENT: "the Kafka client's threads",
    POSTGRES: "PostgreSQL",
    KAFKA: "Kafka",
}
"""Processor time beside the worker's own thread, in parallel with it where there are cores."""

Costs = Mapping[str, float]
"""Microseconds per record by stage or processor."""


def measure(servers: "Servers", *, rounds: int) -> dict[str, Costs]:
    """The costs by kind of record: medians of the rounds."""
    from bench import ingest_events  # noqa: PLC0415 - after Django's setup
    from bench.flights import NAME, document, fill_topic, flights  # noqa: PLC0415
    from bench.ingest_flights import PASSES  # noqa: PLC0415
    from bench.record_kinds import EVENTS  # noqa: PLC0415

    records = flights()
    fill_topic(records, servers.kafka.bootstrap, passes=PASSES)
    ingest_events.send(servers, ingest_events.RECORDS)
    return {
        "flights": _costs(servers, document(indexes=False), NAME, PASSES * len(records), rounds),
        "events": _costs(servers, EVENTS.document("events"), "events", ingest_events.RECORDS, rounds),
    }


def _costs(servers: "Servers", document: Mapping[str, Any], name: str, count: int, rounds: int) -> Costs:
    """The costs of one kind of record, after a run that does not count."""
    from bench.datasets import recreated  # noqa: PLC0415 - after Django's setup
    from bench.worker_process import WorkerProcess  # noqa: PLC0415

    found: dict[str, list[float]] = defaultdict(list)
    with WorkerProcess(f"stages-{name}", servers.folder) as process:
        for number in range(rounds + 1):
            recreated(document)
            servers.checkpoint()
            before = _cpu_s(servers)
            run = process.read([name], count)
            if not number:
                continue
            spent_s = {**run.stages_s, TOTAL: run.seconds, CLIENT: run.threads_s}
            spent_s |= {server: after_s - before[server] for server, after_s in _cpu_s(servers).items()}
            for stage, seconds in spent_s.items():
                found[stage].append(1e6 * seconds / count)
            print(f"  {name:8}  round {number} of {rounds}  {found[TOTAL][-1]:6.2f} µs a record", flush=True)
    return {stage: statistics.median(values) for stage, values in found.items()}


def _cpu_s(servers: "Servers") -> dict[str, float]:
    """The CPU seconds of both servers so far."""
    return {POSTGRES: tree_cpu_s(servers.postgres.pid), KAFKA: tree_cpu_s(servers.kafka.pid)}


def stage_table(costs: Mapping[str, Costs]) -> str:
    """The costs as a Markdown table with a column for each kind of record."""
    lines = [f"| The worker's thread, µs per record | {' | '.join(costs)} |", f"|---|{'---|' * len(costs)}"]
    lines += [_line(text, costs, stage) for stage, text in STAGES.items()]
    lines.append(_line("**all of it**", costs, TOTAL))
    lines += [_line(f"in parallel: processor time of {text}", costs, name) for name, text in CPU.items()]
    return "\n".join(lines)


def _line(text: str, costs: Mapping[str, Costs], stage: str) -> str:
    return f"| {text} | {' | '.join(f'{cost[stage]:.2f}' for cost in costs.values())} |"


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the medians count (default 5)")
    options = parser.parse_args(arguments)
    set_paths()
    from bench.servers import servers  # noqa: PLC0415 - after the path

    with servers() as running:
        print(f"\n{stage_table(measure(running, rounds=options.rounds))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
