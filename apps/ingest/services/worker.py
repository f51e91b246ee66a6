"""The worker: polls records, adds them to the open batch, and waits out outages."""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from apps.ingest.adapters.instrumentation import timed_phase
from apps.ingest.core.backoff import Interval
from apps.ingest.core.batching import BatchPolicy, ChunkSize
from apps.ingest.core.errors import IngestError, LogTruncated
from apps.ingest.core.ports import TargetTable
from apps.ingest.core.records import ConsumerRecord, PollResult, TopicPartition, from_offset
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.dependencies import WorkerDependencies
from apps.ingest.services.gc_pause import paused_gc
from apps.ingest.services.isolation import FaultIsolation
from apps.ingest.services.position_advancer import PositionAdvancer
from apps.ingest.services.progress_log import ProgressLog
from apps.ingest.services.record_decoder import RecordDecoder
from apps.ingest.services.recreation import RecreationCheck
from apps.ingest.services.refresh import CatalogueRefresh
from apps.ingest.services.run_limits import UNLIMITED, RunLimits
from apps.ingest.services.run_summary import RunSummary
from apps.ingest.services.step_runner import StepRunner
from apps.ingest.services.stop_reasons import truncated_line
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams
from apps.ingest.services.unreadable_run import UnreadableRun

ADVANCE_S: Final = 2.0
"""The shortest interval between advances past transaction markers."""

ALONE_S: Final = 15.0
"""How long a bounded run waits for partitions that other members of its group may hold."""


class Worker:
    """One process that reads records for any number of datasets."""

    def __init__(
        self, dependencies: WorkerDependencies, policy: BatchPolicy, *, refresh_s: float, limits: RunLimits = UNLIMITED
    ) -> None:
        self._consumer, self._store, self._clock = dependencies.consumer, dependencies.store, dependencies.clock
        self._membership = dependencies.membership
        self._policy = policy
        self._limits = limits
        self._refresh_due, self._advance_due = Interval(refresh_s), Interval(ADVANCE_S)
        streams = Streams(
            consumer=dependencies.consumer,
            topics=dependencies.topics,
            store=dependencies.store,
            batch_rows=policy.rows,
        )
        defects, unreadable = DefectLog(), UnreadableRun()
        writer = BatchWriter(
            dependencies.store,
            policy,
            dependencies.clock,
            RecordDecoder(dependencies.clock, defects, unreadable),
            streams,
            on_fault=self._on_fault,
        )
        self._writer = writer
        self.streams = streams
        """The partitions that this worker reads, and why some are stopped."""
        self._recreation = RecreationCheck(dependencies.topics, streams)
        self._advancer = PositionAdvancer(streams, topics=dependencies.topics, store=dependencies.store)
        self._steps = StepRunner(
            dependencies, streams=streams, writer=writer, refresh=self._refresh_due, defects=defects
        )
        self._isolation = FaultIsolation(writer, dependencies.store, unreadable)
        self._refresh = CatalogueRefresh(
            dependencies, streams=streams, writer=writer, steps=self._steps, interval=self._refresh_due, limits=limits
        )
        self._chunk = ChunkSize(policy)
        self._ended: set[TopicPartition] = set()
        self._records = 0
        self._stop = False
        self._is_resuming = False
        self._began_s = self._clock.monotonic_s()
        self._progress = ProgressLog(writer, now_s=self._began_s)

    @property
    def summary(self) -> RunSummary:
        """The totals so far. Rows and rejects are committed; `records` includes the open batch."""
        return RunSummary(self._records, self._writer.rows, self._writer.rejects, self.streams.stopped)

    def stop(self) -> None:
        """Make `run` commit and leave; safe to call from a signal handler."""
        self._stop = True

    def run(self) -> RunSummary:
        """Read until stopped or done; return the totals.

        Raises BrokerRefused. A bounded run also raises BrokerUnavailable, RetriableStoreError: an outage exceeded its
        patience.
        """
        with paused_gc():
            try:
                going = self._continues()
                while going:
                    going = self.step()
            finally:
                moved = self.leave()
        return moved

    def step(self) -> bool:
        """Run one iteration: refresh if due, poll, process the records. Returns whether to continue.

        Raises what `run` raises.
        """
        self._refresh.run_if_due(self)
        self._steps.run(self._claim_due)
        arrivals = self._poll()
        self._ended -= arrivals.records.keys() - arrivals.ended.keys()
        self._ended |= arrivals.ended.keys()
        if arrivals.lost or arrivals.refused:
            self._steps.run(lambda: self._stop_unreadable(arrivals))
        untaken = self._dispatch(arrivals)
        if untaken:
            self._steps.run(lambda: self.streams.rewind(untaken))
        ends = {partition: end for partition, end in arrivals.ended.items() if partition not in untaken}
        self.streams.ended(ends)
        if self._steps.run(lambda: self._writer.close_if_due(quiet=not arrivals.count)) and not self._writer.is_open:
            self._prove(read=bool(arrivals.count or arrivals.ended))
        if self._advance_due.due(self._clock.monotonic_s()):
            self._steps.run(self._advance_positions)
        self._progress.log_if_due(self._clock.monotonic_s())
        return self._continues()

    def leave(self) -> RunSummary:
        """Commit the open batch and leave the group, as `run` does at its end; return the totals."""
        self._steps.run(self._writer.close)
        self._steps.run(self._advance_positions)
        stopped = self.streams.stopped
        if self._writer.committed:
            self._consumer.commit(self._writer.committed)
        self._consumer.close()
        self._steps.run(lambda: self.streams.revoke(self.streams.assigned))
        self._store.close()
        return replace(self.summary, stopped=stopped)

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Pause new partitions; `step` claims and resumes them, outside the client's callback."""
        self._consumer.assign_paused(partitions)
        self.streams.assign(partitions)

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Commit the open batch and clear the owner, so that the next one need not terminate our session."""
        self._steps.run(self._writer.close)
        self._steps.run(lambda: self.streams.revoke(partitions))
        self._ended.difference_update(partitions)

    def _poll(self) -> PollResult:
        try:
            with timed_phase("poll"):
                return self._consumer.poll(self._wanted(), self._policy.poll_s)
        except IngestError:
            raise
        except Exception as error:  # noqa: BLE001  the next poll may succeed
            self._steps.recover(error)
            time.sleep(self._policy.poll_s)
            return PollResult({})

    def _wanted(self) -> int:
        if self._limits.max_records is None:
            return self._chunk.records
        return min(self._chunk.records, self._limits.max_records - self._records)

    def _dispatch(self, arrivals: PollResult) -> Collection[TopicPartition]:
        """Pass each stream its records; return partitions to rewind, because a stream has not taken everything.

        A failing stream does not block the others.
        """
        complete, bytes_before = True, self._writer.bytes
        in_flight = {partition: (records[-1].offset() or 0) + 1 for partition, records in arrivals.records.items()}
        self._steps.in_flight = in_flight
        if not self._steps.run(partial(self._stop_recreated, arrivals.records)):
            return self.streams.untaken(in_flight)
        for partition, records in arrivals.records.items():
            for stream in self.streams.at(partition):
                complete &= self._steps.run(partial(self._process, stream, records), stream.target)
        if not complete:
            return self.streams.untaken(in_flight)
        self._chunk.learn(records=arrivals.count, size_bytes=self._writer.bytes - bytes_before)
        return ()

    def _process(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        if stream.position is None:
            return
        fresh = from_offset(records, stream.position.next_offset)
        if (len(fresh) < len(records) and self._is_cut(stream, records[-len(fresh) - 1])) or not fresh:
            return
        self._isolation.process(stream, fresh)
        self._records += len(fresh)

    def _prove(self, *, read: bool) -> None:
        """End the outage and errors of streams: what was read since is committed."""
        self.streams.prove()
        if read and self._is_resuming:
            self._is_resuming = False
            self._steps.outage.end(now_s=self._clock.monotonic_s())

    def _on_fault(self, target: TargetTable, error: Exception) -> None:
        self._steps.fault(target, error)

    def _claim_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._steps.outage.waits(now_s):
            return
        due = self.streams.due(now_s)
        if not due:
            return
        self._writer.close()
        self._membership.confirm()
        self.streams.claim(due, now_s=now_s)
        self._ended.difference_update(stream.topic_partition for stream in due)
        self._is_resuming = True

    def _stop_unreadable(self, arrivals: PollResult) -> None:
        """Stop the streams whose offsets are lost or whose topics are refused, and refresh soon."""
        now_s = self._clock.monotonic_s()
        self._writer.close()
        if arrivals.refused:
            self.streams.refuse(arrivals.refused, now_s=now_s)
            self._refresh_due.make_due()
        self.streams.lost(arrivals.lost, now_s=now_s)

    def _stop_recreated(self, partitions: Collection[TopicPartition]) -> None:
        """Stop the streams whose topic was recreated, before they take a record of it."""
        now_s = self._clock.monotonic_s()
        for stream, verdict in self._recreation.verdicts(partitions, now_s=now_s):
            self._writer.close()
            self.streams.stop(stream, verdict, now_s=now_s)
            self._refresh_due.make_due()

    def _is_cut(self, stream: Stream, passed: ConsumerRecord) -> bool:
        """Whether a record before the position has a later leader epoch; if so, stop the stream: the log was cut.

        Kafka verifies only the requested offset, and another stream of the partition may be further behind.
        """
        position, epoch = stream.position, passed.leader_epoch()
        if position is None or position.leader_epoch is None or epoch is None or epoch <= position.leader_epoch:
            return False
        self._writer.close()
        error = LogTruncated(truncated_line(stream.target.name, stream.topic_partition, position))
        self.streams.stop(stream, error, now_s=self._clock.monotonic_s())
        return True

    def _advance_positions(self) -> None:
        """Advance positions past transaction markers, in a separate commit."""
        if self._advancer.has_work:
            self._writer.close()
            self._writer.committed |= self._advancer.advance(now_s=self._clock.monotonic_s())

    def _continues(self) -> bool:
        return not self._stop and not self._done()

    def _done(self) -> bool:
        if self._limits.max_records is not None and self._records >= self._limits.max_records:
            return True
        if self._limits.bounded and self._refresh.seen and not self.streams.states:
            return not self._writer.is_open
        return self._limits.until_idle and self._idle()

    def _idle(self) -> bool:
        """Whether every source is stopped or read to its end, and no batch is open."""
        if self._writer.is_open:
            return False
        if not self.streams.assigned:
            return self._clock.monotonic_s() - self._began_s > ALONE_S
        return all(
            stream.topic_partition in self._ended if stream.position is not None else bool(stream.last_error)
            for stream in self.streams
        )
