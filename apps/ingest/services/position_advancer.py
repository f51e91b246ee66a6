"""Positions behind which only the marks of transactions are left move to the end of their partition."""

from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.ports import Store, TopicAdmin
from apps.ingest.core.records import OffsetAndEpoch, Position, TopicPartition
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams


class PositionAdvancer:
    """Moves them in a commit of its own."""

    def __init__(self, streams: Streams, *, topics: TopicAdmin, store: Store) -> None:
        self._streams = streams
        self._topics = topics
        self._store = store

    @property
    def has_work(self) -> bool:
        """Whether a position stands before the end of its partition without a record between them."""
        return bool(self._waiting())

    def advance(self, *, now_s: float) -> dict[TopicPartition, int]:
        """Move the positions, and say where to; what was taken must be committed.

        The epoch is that of the last leader, because a mark may be of a later one than the last record: under another
        leader than the record's the log must still end where it was seen to. Raises RetriableStoreError.
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
        """The streams with nothing but the marks of transactions between their position and this end."""
        return [
            (stream, position, end)
            for stream in self._streams
            if (position := stream.position) and (end := position.end_offset) and end > position.next_offset
        ]
