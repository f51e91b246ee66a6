"""A look at which datasets and topics there are now, every few seconds."""

import gc
import logging
from collections.abc import Collection
from typing import Final

from apps.datasets.core.document.applied import Catalogue
from apps.ingest.core.errors import BrokerUnavailable, StoreUnavailable, missing_line
from apps.ingest.core.pauses import Interval
from apps.ingest.core.ports import Assignments, Target
from apps.ingest.services.aim import aim_at
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.bounds import Bounds
from apps.ingest.services.guard import Guard
from apps.ingest.services.streams import Streams
from apps.ingest.services.surroundings import Surroundings

LOGGER: Final = logging.getLogger("apps.ingest")
PATIENCE_S: Final = 10.0
"""How long a bounded run waits for a server that is away."""


class Refresh:
    """Points the streams at the datasets and topics as they are; `seen` once it was done."""

    def __init__(
        self,
        around: Surroundings,
        *,
        streams: Streams,
        writer: BatchWriter,
        guard: Guard,
        interval: Interval,
        bounds: Bounds,
    ) -> None:
        self._around = around
        self._streams = streams
        self._writer = writer
        self._guard = guard
        self._interval = interval
        self._bounds = bounds
        self._targets: dict[int, Target] = {}
        self._missing: set[str] = set()
        self._well_s = around.clock.monotonic_s()
        self.seen = False

    def if_due(self, assignments: Assignments) -> None:
        """Look, when it is time. A bounded run raises BrokerUnavailable, StoreUnavailable after its patience."""
        now_s = self._around.clock.monotonic_s()
        if not self._interval.due(now_s):
            return
        if not gc.isenabled():
            gc.collect()
        if self._writer.committed:
            self._around.broker.commit(self._writer.committed)
            self._writer.committed = {}
        try:
            self._look(now_s, assignments)
        except (BrokerUnavailable, StoreUnavailable) as error:
            self._guard.outage.tell(str(error))
            patience_s = PATIENCE_S if self._bounds.patience_s is None else self._bounds.patience_s
            if self._bounds.bounded and now_s - self._well_s > patience_s:
                raise
        else:
            self._well_s, self.seen = now_s, True

    def _look(self, now_s: float, assignments: Assignments) -> None:
        around = self._around
        self._aim(around.catalogue())
        wanted = {target.contract.topic for target in self._targets.values()}
        found = around.topics.states(wanted)
        missing = found.missing(wanted)
        seen = found.for_reader(missing)
        if self._streams.concerned(seen):
            self._guard.did(self._writer.close)
        self._streams.learn_states(seen, now_s=now_s)
        self._tell_missing(missing)
        around.membership.enter()
        around.membership.watch(now_s)
        around.broker.subscribe(seen.found.keys(), assignments)

    def _aim(self, catalogue: Catalogue) -> None:
        """Point the streams at the datasets as they are now."""
        aim = aim_at(catalogue, {(target.dataset_id, target.number): target for target in self._targets.values()})
        if aim.targets != self._targets or self._streams.unreadable.unheard(aim.unreadable):
            self._guard.did(self._writer.close)
            self._targets = aim.targets
            self._streams.aim(aim.targets.values())
        self._guard.did(lambda: self._streams.unreadable.set_aside(aim.unreadable))

    def _tell_missing(self, missing: Collection[str]) -> None:
        if not self._bounds.bounded:
            for topic in sorted(set(missing) - self._missing):
                LOGGER.warning("%s; waiting for it", missing_line(topic))
        self._missing = set(missing)
