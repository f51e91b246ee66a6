"""Claim the positions of many streams in a few statements."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from apps.ingest.core.errors import IngestError, RetriableStoreError, StateUnreadable
from apps.ingest.core.name_list import joined_names
from apps.ingest.core.ports import SourceClaim, Store
from apps.ingest.core.records import OffsetRange, Position, SourceKey, TopicState
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.stream import Stream

LOGGER: Final = logging.getLogger("apps.ingest")

Claimable = tuple[Stream, OffsetRange]
"""A stream, and the offsets that Kafka holds of its partition."""


class PositionClaims:
    """Claims positions, and logs what is read from where: one line, however many streams there are."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._defects = DefectLog()
        self._is_waiting = False

    def claim(
        self, claimable: Sequence[Claimable], states: Mapping[str, TopicState]
    ) -> list[tuple[Claimable, Position | IngestError]]:
        """The position of each stream, or why it cannot be claimed. Raises RetriableStoreError."""
        claims = [_claim_of(stream, held, states) for stream, held in claimable]
        if not claims:
            return []
        try:
            return list(zip(claimable, self._store.claim(claims), strict=True))
        except RetriableStoreError:
            raise
        except Exception:  # noqa: BLE001  one stream's state is at fault, not the others'
            self._store.reset()
        return [(stream, self._claim_one(claim)) for stream, claim in zip(claimable, claims, strict=True)]

    def log(self, claimed: Sequence[Stream], waiting: Sequence[RetriableStoreError]) -> None:
        """Log a line about the claimed streams, and one when others begin to wait for their previous owner."""
        if waiting and not self._is_waiting:
            LOGGER.warning("%s; %d partitions wait for it", waiting[0], len(waiting))
        self._is_waiting = bool(waiting)
        for stream in claimed:
            position = stream.position
            if position is not None:
                LOGGER.log(
                    logging.INFO if len(claimed) == 1 else logging.DEBUG,
                    "%s: reading %s from offset %d, epoch %d",
                    *(stream.target.name, stream.topic_partition, position.next_offset, position.epoch),
                )
        if len(claimed) > 1:
            names = sorted({stream.target.name for stream in claimed})
            LOGGER.info("reading %d partitions: %s", len(claimed), joined_names(names))

    def _claim_one(self, claim: SourceClaim) -> Position | IngestError:
        try:
            return self._store.claim([claim])[0]
        except RetriableStoreError:
            raise
        except Exception as error:  # noqa: BLE001  this stream's state is at fault
            self._store.reset()
            self._defects.log(error)
            return StateUnreadable(f"its position fails with {type(error).__name__}")


def _claim_of(stream: Stream, held: OffsetRange, states: Mapping[str, TopicState]) -> SourceClaim:
    topic, partition = stream.topic_partition
    key = SourceKey(stream.target.dataset_id, topic, states[topic].topic_id, partition)
    return SourceClaim(key, held.first, stream.known_epoch)
