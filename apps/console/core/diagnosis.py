"""The results of `manage.py doctor`: what was checked, how it ended, and the report that people read."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from apps.datasets.core.record.raw_preview import escaped


class CheckStatus(StrEnum):
    """How a check ended, as the report prints it."""

    OK = "ok"
    SKIPPED = "skip"
    WARNING = "warn"
    FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class DiagnosisResult:
    """One line of the report: the check's name and, in one sentence, its finding and what to do about it."""

    status: CheckStatus
    check: str
    finding: str


def report(results: Iterable[DiagnosisResult]) -> str:
    """The report: one aligned line for each check, then the totals."""
    lines = tuple(results)
    width = max((len(line.check) for line in lines), default=0)
    table = [
        f"{line.status:<5} {line.check:<{width}}  {escaped(line.finding).replace(chr(10), '; ')}\n" for line in lines
    ]
    passed, skipped, warned, failed = (_count(lines, status) for status in CheckStatus)
    totals = f"{passed} passed, {skipped} skipped, {warned} with a warning, {failed} failed."
    return f"{''.join(table)}\n{len(lines)} checks: {totals}\n"


def has_failed(results: Iterable[DiagnosisResult]) -> bool:
    """Whether a check failed. Warnings do not count."""
    return any(result.status is CheckStatus.FAILED for result in results)


def _count(results: Iterable[DiagnosisResult], status: CheckStatus) -> int:
    return sum(result.status is status for result in results)
