"""Run the worker's steps, and react to each error as its class prescribes."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from apps.ingest.adapters.instrumentation import count_failure
from apps.ingest.core.backoff import Interval
from apps.ingest.core.errors import (
    BrokerRefused,
    BrokerUnavailable,
    IngestError,
    PipelineStopped,
    QuarantineRefused,
    RetriableStoreError,
)
from apps.ingest.core.ports import TargetTable
from apps.ingest.core.records import TopicPartition
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.dependencies import WorkerDependencies
from apps.ingest.services.outage import Outage
from apps.ingest.services.streams import Streams

LOGGER: Final = logging.getLogger("apps.ingest")


class StepRunner:
    """Runs steps and handles their errors; `in_flight` has the end offset of the current poll by partition."""

    def __init__(
        self,
        dependencies: WorkerDependencies,
        *,
        streams: Streams,
        writer: BatchWriter,
        refresh: Interval,
        defects: DefectLog,
    ) -> None:
        self._store, self._clock = dependencies.store, dependencies.clock
        self._streams = streams
        self._writer = writer
        self._refresh = refresh
        self.defects = defects
        self.outage = Outage()
        self.in_flight: Mapping[TopicPartition, int] = {}

    def run(self, step: Callable[[], None], target: TargetTable | None = None) -> bool:
        """Run one step, of one dataset or of all; return whether it succeeded. Raises BrokerRefused."""
        try:
            step()
        except BrokerRefused:
            raise
        except Exception as error:  # noqa: BLE001  the last line: no record may end the process
            self.recover(error, target)
            return False
        return True

    def recover(self, error: Exception, target: TargetTable | None = None) -> None:
        """Discard the open batch after an error, and react to it."""
        was_open = self._writer.is_open
        try:
            self._writer.discard()
        except Exception as second:  # noqa: BLE001  the session is unusable
            self.defects.log(second)
            self._store.close()
        if target is not None and not isinstance(error, BrokerUnavailable | RetriableStoreError):
            self.fault(target, error)
            if was_open:
                # The batch may have held records of other datasets.
                self._streams.invalidate_all()
            return
        count_failure(error)
        now_s = self._clock.monotonic_s()
        pause_s = self.outage.failed(now_s)
        if isinstance(error, BrokerUnavailable):
            self.outage.report(str(error), now_s=now_s)
        elif isinstance(error, IngestError):
            self.outage.report(f"{error}; retrying in {pause_s:.1f} s", now_s=now_s)
        else:
            self.defects.log(error)
        self._streams.invalidate_all()

    def fault(self, target: TargetTable, error: Exception) -> None:
        """React to the fault of a single dataset, none of whose records are in the open batch."""
        count_failure(error)
        now_s = self._clock.monotonic_s()
        match error:
            case QuarantineRefused():
                self.defects.log(error)
                self._streams.suspect(target.dataset_id, self.in_flight)
            case PipelineStopped():
                for stream in self._streams.of(target.dataset_id):
                    self._streams.stop(stream, error, now_s=now_s)
            case IngestError():
                LOGGER.warning("%s: %s", target.name, error)
                self._streams.invalidate(target.dataset_id, now_s=now_s)
                self._refresh.make_due()
            case _:
                self.defects.log(error)
                self._streams.suspect(target.dataset_id, self.in_flight)
