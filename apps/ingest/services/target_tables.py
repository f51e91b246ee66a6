"""The target tables of a worker, and the datasets whose contract it cannot use."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.datasets.core.document.applied_dataset import AppliedDataset, DatasetCatalogue, UnreadableDataset
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.ports import TargetTable

LOGGER: Final = logging.getLogger("apps.ingest")


@dataclass(slots=True)
class TargetTables:
    """Targets by dataset id, and the datasets that cannot be read."""

    targets: dict[int, TargetTable] = field(default_factory=dict)
    unreadable: list[UnreadableDataset] = field(default_factory=list)


def target_tables(catalogue: DatasetCatalogue, known: Mapping[tuple[int, int], TargetTable]) -> TargetTables:
    """The targets of these datasets; reuses known ones, keyed by dataset id and contract version."""
    tables = TargetTables(unreadable=list(catalogue.unreadable))
    for dataset in catalogue.readable:
        target = known.get((dataset.id, dataset.version)) or _target(dataset)
        if isinstance(target, TargetTable):
            tables.targets[dataset.id] = target
        else:
            tables.unreadable.append(target)
    return tables


def _target(dataset: AppliedDataset) -> TargetTable | UnreadableDataset:
    try:
        return TargetTable(dataset.id, dataset.name, dataset.version, Decoder(dataset.contract))
    except Exception as error:
        LOGGER.debug("cannot build a decoder for %s", dataset.name, exc_info=True)
        reason = f"cannot build a decoder from version {dataset.version} of its contract ({type(error).__name__})"
        return UnreadableDataset(dataset.id, dataset.version, dataset.name, reason)
