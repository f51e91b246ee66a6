"""The worker: polls, hands records to the open batch, and keeps calm when something is away."""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from apps.ingest.adapters.meter import timed_phase
from apps.ingest.core.batching import BatchPolicy, ChunkSize
from apps.ingest.core.errors import IngestError, LogTruncated
from apps.ingest.core.pauses import Interval
from apps.ingest.core.records import Arrivals, Record, TopicPartition, from_offset
from apps.ingest.services.advance import Advance
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.bounds import UNBOUNDED, Bounds
from apps.ingest.services.collector import calm_collector
from apps.ingest.services.guard import Guard
from apps.ingest.services.isolation import FaultIsolation
from apps.ingest.services.moved import Moved
from apps.ingest.services.progress import ProgressLog
from apps.ingest.services.recreation import RecreationCheck
from apps.ingest.services.refresh import Refresh
from apps.ingest.services.stop_reasons import truncated_line
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams
from apps.ingest.services.surroundings import Surroundings

ADVANCE_S: Final = 2.0
"""How often positions move behind the marks of transactions, at most."""

ALONE_S: Final = 15.0
"""How long a bounded run waits for partitions that the other members of its group may hold."""


class Worker:
    """One process that moves records of any number of datasets."""

    def __init__(
        self, around: Surroundings, policy: BatchPolicy, *, refresh_s: float, bounds: Bounds = UNBOUNDED
    ) -> None:
        self._broker, self._store, self._clock = around.broker, around.store, around.clock
        self._membership = around.membership
        self._policy = policy
        self._bounds = bounds
        self._refresh_due, self._advance_due = Interval(refresh_s), Interval(ADVANCE_S)
        streams = Streams(broker=around.broker, topics=around.topics, store=around.store, batch_rows=policy.rows)
        writer = BatchWriter(around.store, policy, around.clock, sources=streams.sources, on_commit=streams.committed)
        self._writer = writer
        self.streams = streams
        """What this worker reads, and why it does not where it is stopped."""
        self._recreation = RecreationCheck(around.topics, streams)
        self._advance = Advance(streams, topics=around.topics, store=around.store)
        self._guard = Guard(around, streams=streams, writer=writer, refresh=self._refresh_due)
        self._isolation = FaultIsolation(writer, around.store, self._guard.defects)
        self._refresh = Refresh(
            around, streams=streams, writer=writer, guard=self._guard, interval=self._refresh_due, bounds=bounds
        )
        self._chunk = ChunkSize(policy)
        self._ended: set[TopicPartition] = set()
        self._records = 0
        self._stop = False
        self._began_s = self._clock.monotonic_s()
        self._progress = ProgressLog(writer, now_s=self._began_s)

    @property
    def moved(self) -> Moved:
        """What was moved so far; rows and rejects are committed, further records may be in hand."""
        return Moved(self._records, self._writer.rows, self._writer.rejects, self.streams.stopped)

    def stop(self) -> None:
        """Have `run` commit and leave; safe to call from a signal's handler."""
        self._stop = True

    def run(self) -> Moved:
        """Move records until stopped or done, and say what was moved.

        Raises BrokerRefused. A bounded run also raises BrokerUnavailable, StoreUnavailable: what it needs was
        away for longer than its patience.
        """
        with calm_collector():
            try:
                going = self._goes_on()
                while going:
                    going = self.step()
            finally:
                moved = self.leave()
        return moved

    def step(self) -> bool:
        """One round: look around when it is time, poll, and hand on what came. Whether there is more to do.

        Raises what `run` raises.
        """
        self._refresh.if_due(self)
        self._guard.did(self._claim_due)
        arrivals = self._polled()
        self._ended -= arrivals.records.keys() - arrivals.ended.keys()
        self._ended |= arrivals.ended.keys()
        if arrivals.lost or arrivals.refused:
            self._guard.did(lambda: self._stop_unreadable(arrivals))
        untaken = self._take(arrivals)
        if untaken:
            self._guard.did(lambda: self.streams.rewind(untaken))
        ends = {place: end for place, end in arrivals.ended.items() if place not in untaken}
        self.streams.ended(ends)
        self._guard.did(lambda: self._writer.close_if_due(quiet=not arrivals.count))
        if self._advance_due.due(self._clock.monotonic_s()):
            self._guard.did(self._advance_positions)
        self._progress.tell_if_due(self._clock.monotonic_s())
        return self._goes_on()

    def leave(self) -> Moved:
        """Commit what is in hand and leave the group, as `run` does at its end; what was moved in all."""
        self._guard.did(self._writer.close)
        self._guard.did(self._advance_positions)
        stopped = self.streams.stopped
        if self._writer.committed:
            self._broker.commit(self._writer.committed)
        self._broker.close()
        self._guard.did(lambda: self.streams.revoke(self.streams.assigned))
        self._store.close()
        return replace(self.moved, stopped=stopped)

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Hold new partitions; they move as soon as they are claimed, outside of the client's callback."""
        self._broker.hold(partitions)
        self.streams.assign(partitions)

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Commit what is in hand and clear the owner, so that the next one need not end our session."""
        self._guard.did(self._writer.close)
        self._guard.did(lambda: self.streams.revoke(partitions))
        self._ended.difference_update(partitions)

    def _polled(self) -> Arrivals:
        try:
            with timed_phase("poll"):
                return self._broker.poll(self._wanted(), self._policy.poll_s)
        except IngestError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the next poll may bring records
            self._guard.defend(error)
            time.sleep(self._policy.poll_s)
            return Arrivals({})

    def _wanted(self) -> int:
        if self._bounds.max_records is None:
            return self._chunk.records
        return min(self._chunk.records, self._bounds.max_records - self._records)

    def _take(self, arrivals: Arrivals) -> Collection[TopicPartition]:
        """Hand each stream its records, and say where one has not taken all: the next poll would skip the rest.

        What fails at one stream keeps no other from taking.
        """
        whole, bytes_before = True, self._writer.bytes
        in_hand = {place: (records[-1].offset() or 0) + 1 for place, records in arrivals.records.items()}
        self._guard.in_hand = in_hand
        if not self._guard.did(partial(self._stop_recreated, arrivals.records)):
            return self.streams.untaken(in_hand)
        for place, records in arrivals.records.items():
            for stream in self.streams.at(place):
                whole &= self._guard.did(partial(self._writer.make_way, stream.target))
                whole &= self._guard.did(partial(self._hand, stream, records))
        if not whole:
            return self.streams.untaken(in_hand)
        self._chunk.learn(records=arrivals.count, size_bytes=self._writer.bytes - bytes_before)
        return ()

    def _hand(self, stream: Stream, records: Sequence[Record]) -> None:
        if stream.position is None:
            return
        fresh = from_offset(records, stream.position.next_offset)
        if (len(fresh) < len(records) and self._is_cut(stream, records[-len(fresh) - 1])) or not fresh:
            return
        self._isolation.hand(stream, fresh)
        self._records += len(fresh)

    def _claim_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._guard.outage.waits(now_s):
            return
        due = self.streams.due(now_s)
        if not due:
            return
        self._writer.close()
        self._membership.confirm()
        self.streams.claim(due, now_s=now_s)
        self._ended.difference_update(stream.place for stream in due)
        self._guard.outage.end()

    def _stop_unreadable(self, arrivals: Arrivals) -> None:
        """Stop what Kafka says it cannot or will not give us, and look at the topics soon."""
        now_s = self._clock.monotonic_s()
        self._writer.close()
        if arrivals.refused:
            self.streams.refuse(arrivals.refused, now_s=now_s)
            self._refresh_due.hasten()
        self.streams.lost(arrivals.lost, now_s=now_s)

    def _stop_recreated(self, places: Collection[TopicPartition]) -> None:
        """Stop the streams whose topic is another one by now, before they take a record of it."""
        now_s = self._clock.monotonic_s()
        for stream, verdict in self._recreation.verdicts(places, now_s=now_s):
            self._writer.close()
            self.streams.stop(stream, verdict, now_s=now_s)
            self._refresh_due.hasten()

    def _is_cut(self, stream: Stream, passed: Record) -> bool:
        """Whether a record before the position is of a later leader than those that were read: then the stream stops.

        Kafka vouches for the offset that it was asked for, and a neighbour of the partition may stand further back.
        """
        position, epoch = stream.position, passed.leader_epoch()
        if position is None or position.leader_epoch is None or epoch is None or epoch <= position.leader_epoch:
            return False
        self._writer.close()
        error = LogTruncated(truncated_line(stream.target.name, stream.place, position))
        self.streams.stop(stream, error, now_s=self._clock.monotonic_s())
        return True

    def _advance_positions(self) -> None:
        """Move positions behind the marks of transactions: a commit of its own."""
        if self._advance.possible:
            self._writer.close()
            self._writer.committed |= self._advance.made(now_s=self._clock.monotonic_s())

    def _goes_on(self) -> bool:
        return not self._stop and not self._done()

    def _done(self) -> bool:
        if self._bounds.max_records is not None and self._records >= self._bounds.max_records:
            return True
        if self._bounds.bounded and self._refresh.seen and not self.streams.states:
            return self._writer.target is None
        return self._bounds.until_idle and self._idle()

    def _idle(self) -> bool:
        """Whether every source that is not stopped has been read to its end, and nothing is in hand."""
        if self._writer.target is not None:
            return False
        if not self.streams.assigned:
            return self._clock.monotonic_s() - self._began_s > ALONE_S
        return all(
            stream.place in self._ended if stream.position is not None else bool(stream.trouble)
            for stream in self.streams
        )
