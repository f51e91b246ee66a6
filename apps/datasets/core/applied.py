"""A dataset together with the version of its contract that stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.datasets.core.contract import Contract


@dataclass(frozen=True)
class AppliedDataset:
    """A dataset and the version of its contract that stands: `number` counts from 1."""

    id: int
    number: int
    contract: Contract
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.contract.name
