"""Refresh datasets and topics every few seconds."""

import gc
import logging
from collections.abc import Collection
from typing import Final

from apps.datasets.core.document.applied_dataset import DatasetCatalogue
from apps.ingest.core.backoff import Interval
from apps.ingest.core.errors import BrokerUnavailable, RetriableStoreError, missing_line
from apps.ingest.core.ports import RebalanceListener, TargetTable
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.dependencies import WorkerDependencies
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.step_runner import StepRunner
from apps.ingest.services.streams import Streams
from apps.ingest.services.target_tables import target_tables
from apps.ingest.services.topic_watch import TopicWatch

LOGGER: Final = logging.getLogger("apps.ingest")
PATIENCE_S: Final = 10.0
"""How long a bounded run waits for an unavailable server."""


class CatalogueRefresh:
    """Applies the current datasets and topics to the streams; `seen` is True after the first success."""

    def __init__(
        self,
        dependencies: WorkerDependencies,
        *,
        streams: Streams,
        writer: BatchWriter,
        steps: StepRunner,
        interval: Interval,
        limits: RunLimits,
    ) -> None:
        self._dependencies = dependencies
        self._streams = streams
        self._writer = writer
        self._steps = steps
        self._interval = interval
        self._limits = limits
        self._targets: dict[int, TargetTable] = {}
        self._catalogue: DatasetCatalogue | None = None
        """The catalogue that the streams have."""
        self._wanted: set[str] = set()
        self._watch = TopicWatch(dependencies.topics)
        self._missing: set[str] = set()
        self._last_success_s = dependencies.clock.monotonic_s()
        self.seen = False

    def run_if_due(self, assignments: RebalanceListener) -> None:
        """Refresh if due. A bounded run raises BrokerUnavailable, RetriableStoreError after its patience."""
        now_s = self._dependencies.clock.monotonic_s()
        if not self._interval.due(now_s):
            return
        if not gc.isenabled():
            gc.collect()
        if self._writer.committed:
            self._dependencies.consumer.commit(self._writer.committed)
            self._writer.committed = {}
        try:
            self._refresh(now_s, assignments)
        except (BrokerUnavailable, RetriableStoreError) as error:
            self._steps.outage.report(str(error), now_s=now_s)
            patience_s = PATIENCE_S if self._limits.patience_s is None else self._limits.patience_s
            if self._limits.bounded and now_s - self._last_success_s > patience_s:
                raise
        else:
            self._last_success_s, self.seen = now_s, True

    def _refresh(self, now_s: float, assignments: RebalanceListener) -> None:
        dependencies = self._dependencies
        self._set_targets(dependencies.catalogue())
        topics = self._watch.refresh(self._wanted)
        if self._streams.will_stop(topics):
            self._steps.run(self._writer.close)
        self._streams.learn_topics(topics, now_s=now_s)
        self._log_missing(topics.missing)
        dependencies.membership.enter()
        dependencies.membership.watch(now_s)
        dependencies.consumer.subscribe(topics.all.found.keys(), assignments)

    def _set_targets(self, catalogue: DatasetCatalogue) -> None:
        """Apply the current datasets to the streams."""
        if catalogue is self._catalogue:
            return
        tables = target_tables(
            catalogue, {(target.dataset_id, target.contract_version): target for target in self._targets.values()}
        )
        if tables.targets != self._targets or self._streams.unreadable.has_news(tables.unreadable):
            self._steps.run(self._writer.close)
            self._targets = tables.targets
            self._streams.set_targets(tables.targets.values())
        if self._steps.run(lambda: self._streams.unreadable.set_aside(tables.unreadable)):
            self._catalogue = catalogue
        self._wanted = {target.contract.topic for target in tables.targets.values()}

    def _log_missing(self, missing: Collection[str]) -> None:
        if not self._limits.bounded:
            for topic in sorted(set(missing) - self._missing):
                LOGGER.warning("%s; waiting for it", missing_line(topic))
        self._missing = set(missing)
