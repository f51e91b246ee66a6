"""The worker: polls, hands records to the open batch, and keeps calm when something is away."""

import gc
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from apps.datasets.core.applied import Catalogue
from apps.ingest.adapters.meter import count_failure, timed_phase
from apps.ingest.core.batching import BatchPolicy, ChunkSize
from apps.ingest.core.errors import (
    BrokerRefused,
    BrokerUnavailable,
    ContractChanged,
    Fenced,
    IngestError,
    LogTruncated,
    PipelineStopped,
    RejectRefused,
    StoreUnavailable,
    missing_line,
)
from apps.ingest.core.pauses import Backoff
from apps.ingest.core.ports import Broker, Store, Target, Topics
from apps.ingest.core.records import Arrivals, Record, TopicPartition, from_offset
from apps.ingest.services.aim import aim_at
from apps.ingest.services.batch import BatchWriter, Clock
from apps.ingest.services.bounds import UNBOUNDED, Bounds
from apps.ingest.services.collector import calm_collector
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.isolation import FaultIsolation
from apps.ingest.services.membership import Membership
from apps.ingest.services.moved import Moved
from apps.ingest.services.recreation import RecreationCheck
from apps.ingest.services.stop_reasons import truncated_line
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams

LOGGER: Final = logging.getLogger("apps.ingest")
PROGRESS_S: Final = 10.0
PATIENCE_S: Final = 10.0
"""How long a bounded run waits for a server that is away."""

ADVANCE_S: Final = 2.0
"""How often positions move behind the marks of transactions, at most."""

ALONE_S: Final = 15.0
"""How long a bounded run waits for partitions that the other members of its group may hold."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the worker works with; `catalogue` lists the datasets, or raises StoreUnavailable."""

    membership: Membership
    broker: Broker
    topics: Topics
    store: Store
    clock: Clock
    catalogue: Callable[[], Catalogue]


class Worker:
    """One process that moves records of any number of datasets."""

    def __init__(
        self, around: Surroundings, policy: BatchPolicy, *, refresh_s: float, bounds: Bounds = UNBOUNDED
    ) -> None:
        self._broker, self._topics, self._store = around.broker, around.topics, around.store
        self._membership = around.membership
        self._catalogue, self._clock = around.catalogue, around.clock
        self._policy = policy
        self._bounds = bounds
        self._refresh_s = refresh_s
        self._streams = Streams(broker=self._broker, topics=self._topics, store=self._store, batch_rows=policy.rows)
        self._recreation = RecreationCheck(self._topics, self._streams)
        streams = self._streams
        self._writer = BatchWriter(
            self._store, policy, self._clock, sources=streams.sources, on_commit=streams.committed
        )
        self._defects = DefectLog()
        self._isolation = FaultIsolation(self._writer, self._store, self._defects)
        self._in_hand: dict[TopicPartition, int] = {}
        self._chunk = ChunkSize(policy)
        self._outage = Backoff()
        self._targets: dict[int, Target] = {}
        self._ended: set[TopicPartition] = set()
        self._missing: set[str] = set()
        self._said = ""
        self._moved = Moved()
        self._stop = False
        self._refreshed_s = self._advanced_s = float("-inf")
        self._progress_s = self._began_s = self._well_s = self._clock.monotonic_s()
        self._progress_rows = 0

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
                while not self._stop and not self._done():
                    self._turn()
            finally:
                self._leave()
        self._moved.rows, self._moved.rejects = self._writer.rows, self._writer.rejects
        return self._moved

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Hold new partitions; they move as soon as they are claimed, outside of the client's callback."""
        self._broker.hold(partitions)
        self._streams.assign(partitions)

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Commit what is in hand and clear the owner, so that the next one need not end our session."""
        self._guarded(self._writer.close)
        self._guarded(lambda: self._streams.revoke(partitions))
        self._ended.difference_update(partitions)

    def _turn(self) -> None:
        self._refresh_if_due()
        self._guarded(self._claim_due)
        arrivals = self._polled()
        self._ended -= arrivals.records.keys() - arrivals.ended.keys()
        self._ended |= arrivals.ended.keys()
        if arrivals.lost or arrivals.refused:
            self._guarded(lambda: self._stop_unreadable(arrivals))
        untaken = self._take(arrivals)
        if untaken:
            self._guarded(lambda: self._streams.rewind(untaken))
        ends = {place: end for place, end in arrivals.ended.items() if place not in untaken}
        self._streams.ended(ends)
        self._guarded(lambda: self._writer.close_if_due(quiet=not arrivals.count))
        self._guarded(self._advance_if_due)
        self._say_progress()

    def _polled(self) -> Arrivals:
        try:
            with timed_phase("poll"):
                return self._broker.poll(self._wanted(), self._policy.poll_s)
        except IngestError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the next poll may bring records
            self._defend(error)
            time.sleep(self._policy.poll_s)
            return Arrivals({})

    def _wanted(self) -> int:
        if self._bounds.max_records is None:
            return self._chunk.records
        return min(self._chunk.records, self._bounds.max_records - self._moved.records)

    def _take(self, arrivals: Arrivals) -> Collection[TopicPartition]:
        """Hand each stream its records, and say where one has not taken all: the next poll would skip the rest.

        What fails at one stream keeps no other from taking.
        """
        whole, bytes_before = True, self._writer.bytes
        self._in_hand = {place: (records[-1].offset() or 0) + 1 for place, records in arrivals.records.items()}
        if not self._guarded(partial(self._stop_recreated, arrivals.records)):
            return self._streams.untaken(self._in_hand)
        for place, records in arrivals.records.items():
            for stream in self._streams.at(place):
                whole &= self._guarded(partial(self._writer.make_way, stream.target))
                whole &= self._guarded(partial(self._hand, stream, records))
        if not whole:
            return self._streams.untaken(self._in_hand)
        self._chunk.learn(records=arrivals.count, size_bytes=self._writer.bytes - bytes_before)
        return ()

    def _hand(self, stream: Stream, records: Sequence[Record]) -> None:
        if stream.position is None:
            return
        fresh = from_offset(records, stream.position.next_offset)
        if (len(fresh) < len(records) and self._is_cut(stream, records[-len(fresh) - 1])) or not fresh:
            return
        self._isolation.hand(stream, fresh)
        self._moved.records += len(fresh)

    def _claim_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._outage.waits(now_s):
            return
        due = self._streams.due(now_s)
        if not due:
            return
        self._writer.close()
        self._membership.confirm()
        self._streams.claim(due, now_s=now_s)
        self._ended.difference_update(stream.place for stream in due)
        self._recovered()

    def _stop_unreadable(self, arrivals: Arrivals) -> None:
        """Stop what Kafka says it cannot or will not give us, and look at the topics soon."""
        now_s = self._clock.monotonic_s()
        self._writer.close()
        if arrivals.refused:
            self._streams.refuse(arrivals.refused, now_s=now_s)
            self._refreshed_s = float("-inf")
        self._streams.lost(arrivals.lost, now_s=now_s)

    def _stop_recreated(self, places: Collection[TopicPartition]) -> None:
        """Stop the streams whose topic is another one by now, before they take a record of it."""
        now_s = self._clock.monotonic_s()
        for stream, verdict in self._recreation.verdicts(places, now_s=now_s):
            self._writer.close()
            self._streams.stop(stream, verdict, now_s=now_s)
            self._refreshed_s = float("-inf")

    def _is_cut(self, stream: Stream, passed: Record) -> bool:
        """Whether a record before the position is of a later leader than those that were read: then the stream stops.

        Kafka vouches for the offset that it was asked for, and a neighbour of the partition may stand further back.
        """
        position, epoch = stream.position, passed.leader_epoch()
        if position is None or position.leader_epoch is None or epoch is None or epoch <= position.leader_epoch:
            return False
        self._writer.close()
        error = LogTruncated(truncated_line(stream.target.name, stream.place, position))
        self._streams.stop(stream, error, now_s=self._clock.monotonic_s())
        return True

    def _advance_if_due(self) -> None:
        """Move positions behind the marks of transactions, every few seconds: a commit of its own."""
        now_s = self._clock.monotonic_s()
        if now_s - self._advanced_s < ADVANCE_S:
            return
        self._advanced_s = now_s
        self._advance()

    def _advance(self) -> None:
        if self._streams.can_advance:
            self._writer.close()
            self._writer.committed |= self._streams.advance(now_s=self._clock.monotonic_s())

    def _guarded(self, step: Callable[[], None]) -> bool:
        """Do one step, turn its error into the reaction that its name asks for, and say whether it went well."""
        self._writer.at_work = None
        try:
            step()
        except BrokerRefused:
            raise
        except RejectRefused as error:
            self._defend(error)
            return False
        except IngestError as error:
            count_failure(error)
            self._writer.discard()
            self._react(error, self._writer.at_work)
            return False
        except Exception as error:  # noqa: BLE001  the last line: no record ends the process, whatever it brings up
            self._defend(error)
            return False
        return True

    def _defend(self, error: Exception) -> None:
        """Give the open batch up after an error that nothing expected, and have its records taken one by one."""
        count_failure(error)
        self._defects.tell(error)
        try:
            self._writer.discard()
        except Exception as second:  # noqa: BLE001  the session is of no more use
            self._defects.tell(second)
            self._store.close()
        if (target := self._writer.at_work) is not None:
            self._streams.suspect(target.dataset_id, self._in_hand)
            return
        self._outage.failed(self._clock.monotonic_s())
        self._streams.lose_all()

    def _react(self, error: IngestError, target: Target | None) -> None:
        now_s = self._clock.monotonic_s()
        match error:
            case BrokerUnavailable():
                self._say(str(error))
                self._outage.failed(now_s)
            case PipelineStopped() if target is not None:
                for stream in self._streams.of(target.dataset_id):
                    self._streams.stop(stream, error, now_s=now_s)
            case Fenced() | ContractChanged() if target is not None:
                LOGGER.warning("%s: %s", target.name, error)
                self._streams.lose(target.dataset_id, now_s=now_s)
                self._refreshed_s = float("-inf")
            case _:
                pause_s = self._outage.failed(now_s)
                self._say(f"{error}; next try in {pause_s:.1f} s")
                self._streams.lose_all()

    def _recovered(self) -> None:
        self._outage.succeeded()
        if self._said:
            LOGGER.info("going on")
        self._said = ""

    def _say(self, message: str) -> None:
        """Log a trouble once, not at every try."""
        if not self._said:
            LOGGER.warning("%s", message)
        self._said = message

    def _refresh_if_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._refreshed_s < self._refresh_s:
            return
        self._refreshed_s = now_s
        if not gc.isenabled():
            gc.collect()
        if self._writer.committed:
            self._broker.commit(self._writer.committed)
            self._writer.committed = {}
        try:
            self._refresh(now_s)
        except (BrokerUnavailable, StoreUnavailable) as error:
            self._say(str(error))
            patience_s = PATIENCE_S if self._bounds.patience_s is None else self._bounds.patience_s
            if self._bounds.bounded and now_s - self._well_s > patience_s:
                raise
        else:
            self._well_s = now_s

    def _refresh(self, now_s: float) -> None:
        """See which datasets and topics there are now."""
        self._aim(self._catalogue())
        wanted = {target.contract.topic for target in self._targets.values()}
        found = self._topics.states(wanted)
        missing = found.missing(wanted)
        seen = found.for_reader(missing)
        if self._streams.concerned(seen):
            self._guarded(self._writer.close)
        self._streams.learn_states(seen, now_s=now_s)
        self._tell_missing(missing)
        self._membership.enter()
        self._membership.watch(now_s)
        self._broker.subscribe(seen.found.keys(), self)

    def _aim(self, catalogue: Catalogue) -> None:
        """Point the streams at the datasets as they are now."""
        aim = aim_at(catalogue, {(target.dataset_id, target.number): target for target in self._targets.values()})
        if aim.targets != self._targets or self._streams.unheard(aim.unreadable):
            self._guarded(self._writer.close)
            self._targets = aim.targets
            self._streams.aim(aim.targets.values())
        self._guarded(lambda: self._streams.set_aside(aim.unreadable))

    def _tell_missing(self, missing: Collection[str]) -> None:
        if not self._bounds.bounded:
            for topic in sorted(set(missing) - self._missing):
                LOGGER.warning("%s; waiting for it", missing_line(topic))
        self._missing = set(missing)

    def _done(self) -> bool:
        if self._bounds.max_records is not None and self._moved.records >= self._bounds.max_records:
            return True
        if self._bounds.bounded and self._well_s > self._began_s and not self._streams.states:
            return self._writer.target is None
        return self._bounds.until_idle and self._idle()

    def _idle(self) -> bool:
        """Whether every source that is not stopped has been read to its end, and nothing is in hand."""
        if self._writer.target is not None:
            return False
        if not self._streams.assigned:
            return self._clock.monotonic_s() - self._began_s > ALONE_S
        return all(
            stream.place in self._ended if stream.position is not None else bool(stream.trouble)
            for stream in self._streams
        )

    def _say_progress(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._progress_s < PROGRESS_S:
            return
        rows = self._writer.rows - self._progress_rows
        if rows:
            LOGGER.info("%d rows in %.0f s, %d rejects in all", rows, now_s - self._progress_s, self._writer.rejects)
        self._progress_s, self._progress_rows = now_s, self._writer.rows

    def _leave(self) -> None:
        self._guarded(self._writer.close)
        self._guarded(self._advance)
        self._moved.stopped = self._streams.stopped
        if self._writer.committed:
            self._broker.commit(self._writer.committed)
        self._broker.close()
        self._guarded(lambda: self._streams.revoke(self._streams.assigned))
        self._store.close()
