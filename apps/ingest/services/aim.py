"""What a worker reads for: a target for each contract that it can work by, a reason for each other one."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.datasets.core.document.applied import AppliedDataset, Catalogue, UnreadableDataset
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.ports import Target

LOGGER: Final = logging.getLogger("apps.ingest")


@dataclass(slots=True)
class Aim:
    """Targets by the dataset's id, and the datasets that stand still."""

    targets: dict[int, Target] = field(default_factory=dict)
    unreadable: list[UnreadableDataset] = field(default_factory=list)


def aim_at(catalogue: Catalogue, known: Mapping[tuple[int, int], Target]) -> Aim:
    """The aim at these datasets; known targets, by id and number, are taken as they are."""
    aim = Aim(unreadable=list(catalogue.unreadable))
    for dataset in catalogue.readable:
        target = known.get((dataset.id, dataset.number)) or _target(dataset)
        if isinstance(target, Target):
            aim.targets[dataset.id] = target
        else:
            aim.unreadable.append(target)
    return aim


def _target(dataset: AppliedDataset) -> Target | UnreadableDataset:
    try:
        return Target(dataset.id, dataset.name, dataset.number, Decoder(dataset.contract))
    except Exception as error:
        LOGGER.debug("no reader for %s", dataset.name, exc_info=True)
        trouble = f"no reader can be made of version {dataset.number} of its contract ({type(error).__name__})"
        return UnreadableDataset(dataset.id, dataset.number, dataset.name, trouble)
