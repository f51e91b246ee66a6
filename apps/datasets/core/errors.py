"""The errors of datasets, named by the caller's reaction."""

from collections.abc import Sequence
from dataclasses import dataclass


class DatasetsError(Exception):
    """Datasets failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


@dataclass(frozen=True, slots=True)
class ContractProblem:
    """One thing wrong in a document: where, which rule, and what to do."""

    path: str
    rule: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}" + (f" → {self.remedy}" if self.remedy else "")


class ContractInvalid(DatasetsError):
    """The contract breaks a rule: mend the document."""

    def __init__(self, problems: Sequence[ContractProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ContractUnreadable(DatasetsError):
    """This version of Andén cannot read the contract that stands: run the one that wrote it."""


class ChangeRefused(ContractInvalid):
    """The table that stands cannot become this: keep its shape, or make a new dataset."""


class DatasetUnknown(DatasetsError):
    """No dataset has this name: apply its contract first."""


class DatasetNotEmpty(DatasetsError):
    """The dataset holds rows: say --yes to drop them."""


class StoreUnavailable(DatasetsError):
    """PostgreSQL refused for now: nothing was changed, try again later."""


class StoreMisconfigured(DatasetsError):
    """PostgreSQL is not set up as Andén needs it: mend roles, rights or migrations."""


class BadRecord(DatasetsError):
    """This record can never be stored: quarantine it, or refuse it with 422.

    `reason` is a short stable word for labels and filters, `field` the property at fault ("" for the whole
    record), and the message says it in full without repeating the value.
    """

    def __init__(self, reason: str, message: str, *, field: str = "") -> None:
        self.reason = reason
        self.field = field
        super().__init__(message)
