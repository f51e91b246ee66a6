"""A dataset with its current contract version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.datasets.core.contract.classification import STRICT, ClassificationPolicy
from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import ContractInvalid, ContractUnreadable

LONGEST = 300
"""Maximum characters of a reason."""


@dataclass(frozen=True)
class AppliedDataset:
    """A dataset with its current contract version; `version` counts from 1."""

    id: int
    version: int
    contract: Contract
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.contract.name


@dataclass(frozen=True, slots=True)
class UnreadableDataset:
    """A dataset whose current contract this version of Andén cannot read, and why."""

    id: int
    version: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatasetCatalogue:
    """All datasets by name: readable ones, and those stopped because their contract is unreadable."""

    readable: tuple[AppliedDataset, ...] = ()
    unreadable: tuple[UnreadableDataset, ...] = ()


def dataset_read(
    dataset_id: int, version: int, name: str, text: str, *, policy: ClassificationPolicy = STRICT
) -> AppliedDataset:
    """The dataset of this name, from the text of its current contract; the policy decides which classifications hide.

    Raises ContractUnreadable: a later version wrote it, or it is invalid.
    """
    try:
        document = json.loads(text)
        if "\\u" in text:
            # A lone surrogate, valid in JSON but not encodable, raises UnicodeEncodeError here.
            json.dumps(document, ensure_ascii=False).encode()
        contract = contract_from_odcs(document, stored=True, policy=policy)
    except ContractInvalid as error:
        raise _unreadable(name, version, "; ".join(map(str, error.problems))) from error
    except Exception as error:
        # Any error affects only this dataset.
        raise _unreadable(name, version, f"{type(error).__name__}: {error}") from error
    if contract.name != name:
        raise _unreadable(name, version, f"it describes {contract.name!r}")
    return AppliedDataset(dataset_id, version, contract, document)


def table_contract(name: str, version: int, text: str) -> Contract:
    """The part of the contract that determines its table: names, types, key; checks of single values are omitted.

    Thus a contract whose checks this version does not support can be replaced. Raises ContractUnreadable.
    """
    try:
        document = json.loads(text)
        for item in document["schema"][0].get("properties", ()):
            item.pop("logicalTypeOptions", None)
        return contract_from_odcs(document, stored=True)
    except Exception as error:
        # As above: a document affects only its own dataset.
        raise ContractUnreadable(
            f"the table of {name!r} has unknown contents, because version {version} of its contract cannot be "
            f"read: apply the file that was applied last, or run the version of Andén that applied it"
        ) from error


def _unreadable(name: str, version: int, reason: str) -> ContractUnreadable:
    line = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(reason.split()))
    cut = line if len(line) <= LONGEST else line[:LONGEST] + "…"
    return ContractUnreadable(
        f"this version of Andén cannot read version {version} of the contract of {name!r} ({cut}): "
        f"run the version of Andén that applied it, or apply a contract that this one can read"
    )
