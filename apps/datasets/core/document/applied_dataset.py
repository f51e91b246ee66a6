"""A dataset together with the version of its contract that stands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.datasets.core.contract.classification import STRICT, ClassificationPolicy
from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import ContractInvalid, ContractUnreadable

LONGEST = 300
"""Characters of a reason."""


@dataclass(frozen=True)
class AppliedDataset:
    """A dataset and the version of its contract that stands: `version` counts from 1."""

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
    """A dataset whose standing contract this version of Andén cannot read, and why."""

    id: int
    version: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatasetCatalogue:
    """All datasets by name: those whose contracts can be read, and those that stand still until they can."""

    readable: tuple[AppliedDataset, ...] = ()
    unreadable: tuple[UnreadableDataset, ...] = ()


def dataset_read(
    dataset_id: int, version: int, name: str, text: str, *, policy: ClassificationPolicy = STRICT
) -> AppliedDataset:
    """The dataset of this name by the text of its standing contract; the policy says which classifications hide.

    Raises ContractUnreadable: a later version wrote it, or nobody's version could have.
    """
    try:
        document = json.loads(text)
        if "\\u" in text:
            # Half a character, which JSON can spell and nobody can be shown, raises UnicodeEncodeError.
            json.dumps(document, ensure_ascii=False).encode()
        contract = contract_from_odcs(document, standing=True, policy=policy)
    except ContractInvalid as error:
        raise _unreadable(name, version, "; ".join(map(str, error.problems))) from error
    except Exception as error:
        # Whatever a reader stumbles over is this dataset's reason, and no other's.
        raise _unreadable(name, version, f"{type(error).__name__}: {error}") from error
    if contract.name != name:
        raise _unreadable(name, version, f"it describes {contract.name!r}")
    return AppliedDataset(dataset_id, version, contract, document)


def table_contract(name: str, version: int, text: str) -> Contract:
    """The contract as far as its table holds it: names, types, key; the checks of single values are left out.

    So a contract whose checks this version cannot make gives way to a changed one. Raises ContractUnreadable.
    """
    try:
        document = json.loads(text)
        for item in document["schema"][0].get("properties", ()):
            item.pop("logicalTypeOptions", None)
        return contract_from_odcs(document, standing=True)
    except Exception as error:
        # As above: no document of one dataset may be another's reason.
        raise ContractUnreadable(
            f"nobody can tell what the table of {name!r} holds, because version {version} of its contract cannot be "
            f"read: apply the file that was applied last, or run the version of Andén that applied it"
        ) from error


def _unreadable(name: str, version: int, reason: str) -> ContractUnreadable:
    line = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(reason.split()))
    cut = line if len(line) <= LONGEST else line[:LONGEST] + "…"
    return ContractUnreadable(
        f"this version of Andén cannot read version {version} of the contract of {name!r} ({cut}): "
        f"run the version of Andén that applied it, or apply a contract that this one can read"
    )
