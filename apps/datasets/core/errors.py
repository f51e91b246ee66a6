"""Errors of datasets, named by the caller's reaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class DatasetsError(Exception):
    """Datasets failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


@dataclass(frozen=True, slots=True)
class ContractProblem:
    """One problem in a document: path, violated rule, remedy."""

    path: str
    rule: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}" + (f" → {self.remedy}" if self.remedy else "")


class ContractInvalid(DatasetsError):
    """The contract violates a rule: fix the document."""

    def __init__(self, problems: Sequence[ContractProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ContractUnreadable(DatasetsError):
    """This version of Andén cannot read the current contract: run the version that wrote it."""


class ChangeRefused(ContractInvalid):
    """The existing table cannot be changed that way: keep its shape, or create a new dataset."""


class DatasetUnknown(DatasetsError):
    """No dataset has this name: apply its contract first."""


class DatasetNotEmpty(DatasetsError):
    """The dataset contains rows: pass --yes to drop them."""


class StoreUnavailable(DatasetsError):
    """PostgreSQL is unavailable: nothing was changed, try again later."""


class StoreMisconfigured(DatasetsError):
    """PostgreSQL is not set up as Andén needs it: fix roles, privileges or migrations."""


class RecordFault(NamedTuple):
    """One field's violation of the contract, without its value; `field` is "" for the record itself."""

    field: str
    reason: str
    message: str


class BadRecord(DatasetsError):
    """This record can never be stored: quarantine it, or reject it with 422.

    `reason` is a short stable word for labels and filters, `field` the property at fault ("" for the record itself),
    and the message explains it without repeating the value. `faults` lists every fault, of which this is the first.
    """

    def __init__(self, reason: str, message: str, *, field: str = "", faults: Sequence[RecordFault] = ()) -> None:
        self.reason = reason
        self.field = field
        self.faults = tuple(faults) or (RecordFault(field, reason, message),)
        super().__init__(message)
