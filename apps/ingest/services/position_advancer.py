"""Advance positions to the end of their partition where only transaction markers follow."""

from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.ports import Store, TopicAdmin
from apps.ingest.core.records import OffsetAndEpoch, Position, TopicPartition
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams


class PositionAdvancer:
    """Advances positions in a separate commit."""

    def __init__(self, streams: Streams, *, topics: TopicAdmin, store: Store) -> None:
        self._streams = streams
        self._topics = topics
        self._store = store

    @property
    def has_work(self) -> bool:
        """Whether only transaction markers separate a position from its partition's end."""
        return bool(self._waiting())

    def advance(self, *, now_s: float) -> dict[TopicPartition, int]:
        """Advance the positions; return the new offsets. The open batch must be committed first.

        Stores the last leader's epoch, because a marker may have a later epoch than the last record. If the leader has
        changed since that record, the log must still end where it ended before. Raises RetriableStoreError.
        """
        waiting = self._waiting()
        if not waiting:
            return {}
        try:
            ranges = self._topics.offsets({stream.topic_partition for stream, _, _ in waiting}).found
        except BrokerUnavailable:
            return {}
        moves = [
            (stream, position, OffsetAndEpoch(end, held.leader_epoch))
            for stream, position, end in waiting
            if (held := ranges.get(stream.topic_partition))
            and (end == held.end or (end < held.end and held.leader_epoch == position.leader_epoch))
        ]
        moved = self._store.advance([(position, end) for _, position, end in moves])
        for stream, position, end in moves:
            if position.source_id in moved:
                position.next_offset, position.leader_epoch = end
            else:
                self._streams.fence(stream, f"{stream.topic_partition} is read by another worker", now_s=now_s)
        return {stream.topic_partition: end.offset for stream, position, end in moves if position.source_id in moved}

    def _waiting(self) -> list[tuple[Stream, Position, int]]:
        """The streams with only transaction markers between their position and this end."""
        return [
            (stream, position, end)
            for stream in self._streams
            if (position := stream.position) and (end := position.end_offset) and end > position.next_offset
        ]
