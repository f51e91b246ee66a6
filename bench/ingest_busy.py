"""Compares one worker of many busy datasets with one worker of one dataset and the same records."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

from bench.datasets import dropped, recreated
from bench.interleaved import interleaved
from bench.record_kinds import ORDERS
from bench.result import Result, rates, worker_memory
from bench.servers import Servers
from bench.steady_stream import RoundRobin, fill_in_turns, send_at_pace
from bench.topics import topics_make
from bench.worker_process import WorkerProcess

STEADY_TARGETS: Final = {50: 0.7, 200: 0.5}
BACKLOG_TARGETS: Final = {50: 0.9, 200: 0.8}
"""Of the rate of one dataset, by number of datasets."""

BACKLOG: Final = 200_000
QUICK_BACKLOG: Final = 60_000
STEADY_S: Final = 2.5
VALUES: Final = 20_000
PARTITIONS: Final = 4
"""Of the topic of the single dataset."""


class BusyDatasets:
    """A number of datasets with their topics, and the warm process of their worker."""

    def __init__(self, servers: Servers, process: WorkerProcess, count: int, values: Sequence[bytes]) -> None:
        self._servers = servers
        self._process = process
        self._count = count
        self.names = [f"busy_{count}_{number}" for number in range(count)]
        partitions = PARTITIONS if count == 1 else 1
        topics_make(servers.kafka.bootstrap, self.names, partitions=partitions)
        for name in self.names:
            recreated(ORDERS.document(name))
        places = [(name, partition) for name in self.names for partition in range(partitions)]
        self._stream = RoundRobin(places, values)
        self._left = 0

    def measure(self, backlog: int) -> Mapping[str, float]:
        """The worker's rates in a backlog, and then in a steady stream."""
        bootstrap = self._servers.kafka.bootstrap
        records = self._left + fill_in_turns(bootstrap, self._stream, backlog)
        self._servers.checkpoint()
        process = self._process
        process.begin("read", datasets=self.names, records=records, steady_s=STEADY_S)
        sent = send_at_pace(bootstrap, self._stream, process.pace, process.has_answered)
        run = process.finish()
        self._left = records + sent - run.records
        return {f"backlog of {self._count}": records / run.seconds, f"stream of {self._count}": run.steady_rate}


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure one dataset, 50 and 200, each first with a backlog and then in a steady stream."""
    backlog = QUICK_BACKLOG if quick else BACKLOG
    values = [ORDERS.value(number) for number in range(VALUES)]
    with ExitStack() as stack:
        processes = {
            count: stack.enter_context(WorkerProcess(f"busy-{count}", servers.folder))
            for count in (1, *STEADY_TARGETS)
        }
        every = [BusyDatasets(servers, process, count, values) for count, process in processes.items()]
        found = interleaved("busy", [partial(busy.measure, backlog) for busy in every], rounds=rounds)
        peaks = {count: process.peak_bytes for count, process in processes.items()}
    for busy in every:
        dropped(*busy.names)
    return results(found, peaks)


def results(found: Mapping[str, Sequence[float]], peaks: Mapping[int, int]) -> list[Result]:
    """The results of these rates, and of these processes' memory by number of datasets."""
    steady = [
        rates(
            f"{count} busy datasets in a steady stream, compared with one",
            *("rows/s", found[f"stream of {count}"], found["stream of 1"]),
            target=target,
        )
        for count, target in STEADY_TARGETS.items()
    ]
    backlog = [
        rates(
            f"{count} busy datasets with a backlog, compared with one",
            *("rows/s", found[f"backlog of {count}"], found["backlog of 1"]),
            target=target,
        )
        for count, target in BACKLOG_TARGETS.items()
    ]
    memory = [worker_memory(f"{count} busy datasets", peaks[count]) for count in STEADY_TARGETS]
    return [*steady, *backlog, *memory]
