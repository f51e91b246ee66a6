"""Run the worker's steps, and react to each error as its class prescribes."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from apps.ingest.adapters.instrumentation import count_failure
from apps.ingest.core.backoff import Interval
from apps.ingest.core.errors import (
    BrokerRefused,
    BrokerUnavailable,
    Fenced,
    IngestError,
    PipelineStopped,
    QuarantineRefused,
    StaleContract,
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
    ) -> None:
        self._store, self._clock = dependencies.store, dependencies.clock
        self._streams = streams
        self._writer = writer
        self._refresh = refresh
        self.defects = DefectLog()
        self.outage = Outage()
        self.in_flight: Mapping[TopicPartition, int] = {}

    def run(self, step: Callable[[], None]) -> bool:
        """Run one step; return whether it succeeded. Raises BrokerRefused."""
        self._writer.current_target = None
        try:
            step()
        except BrokerRefused:
            raise
        except QuarantineRefused as error:
            self.recover(error)
            return False
        except IngestError as error:
            count_failure(error)
            self._writer.discard()
            self._react(error, self._writer.current_target)
            return False
        except Exception as error:  # noqa: BLE001  the last line: no record may end the process
            self.recover(error)
            return False
        return True

    def recover(self, error: Exception) -> None:
        """Discard the open batch after an unexpected error, and have its records isolated."""
        count_failure(error)
        self.defects.log(error)
        try:
            self._writer.discard()
        except Exception as second:  # noqa: BLE001  the session is unusable
            self.defects.log(second)
            self._store.close()
        if (target := self._writer.current_target) is not None:
            self._streams.suspect(target.dataset_id, self.in_flight)
            return
        self.outage.failed(self._clock.monotonic_s())
        self._streams.invalidate_all()

    def _react(self, error: IngestError, target: TargetTable | None) -> None:
        now_s = self._clock.monotonic_s()
        match error:
            case BrokerUnavailable():
                self.outage.report(str(error))
                self.outage.failed(now_s)
            case PipelineStopped() if target is not None:
                for stream in self._streams.of(target.dataset_id):
                    self._streams.stop(stream, error, now_s=now_s)
            case Fenced() | StaleContract() if target is not None:
                LOGGER.warning("%s: %s", target.name, error)
                self._streams.invalidate(target.dataset_id, now_s=now_s)
                self._refresh.make_due()
            case _:
                pause_s = self.outage.failed(now_s)
                self.outage.report(f"{error}; retrying in {pause_s:.1f} s")
                self._streams.invalidate_all()
