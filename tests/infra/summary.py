"""A summary with a line per infrastructure property, across all xdist workers.

A plugin: pytest_plugins = ["tests.infra.summary"]
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pytest

from tests.infra.properties import NOT_VERIFIABLE, PROPERTIES

NUMBER: Final = "property"
EVIDENCE: Final = "evidence"
"""Keys of user_properties: the numbers of verified properties, and the recorded details."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Summary())


def pytest_itemcollected(item: pytest.Item) -> None:
    """Add the property numbers to the test's report."""
    item.user_properties.extend((NUMBER, number) for mark in item.iter_markers("property") for number in mark.args)


class Summary:
    """Collects test reports by property number."""

    def __init__(self) -> None:
        self.reports: dict[int, list[pytest.TestReport]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the report of a test that verifies a property."""
        if report.when == "call" or not report.passed:
            for name, number in report.user_properties:
                if name == NUMBER:
                    self.reports[int(str(number))].append(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print each property with its status, number of tests and details."""
        if not self.reports:
            return
        terminalreporter.section("Properties of the infrastructure")
        for number, title in PROPERTIES.items():
            reports = self.reports.get(number, [])
            terminalreporter.line(f"{number:2}  {_status(reports):<22}  {title}")
            for seen in _evidence(reports):
                terminalreporter.line(f"{'':28}{seen}")
            if reports:
                terminalreporter.line(f"{'':4}not verifiable{'':10}{NOT_VERIFIABLE[number]}")


def _status(reports: Sequence[pytest.TestReport]) -> str:
    counts = {word: sum(getattr(report, word) for report in reports) for word in ("passed", "failed", "skipped")}
    if counts["failed"]:
        return f"BROKEN by {counts['failed']} of {len(reports)}"
    if not counts["passed"]:
        return "not run" if reports else "no test selected"
    left = f", {counts['skipped']} not run" if counts["skipped"] else ""
    return f"verified by {counts['passed']}{left}"


def _evidence(reports: Sequence[pytest.TestReport]) -> list[str]:
    """Recorded details without duplicates, then failed tests, and skipped ones with their reason."""
    lines = [str(seen) for report in reports for name, seen in report.user_properties if name == EVIDENCE]
    for report in reports:
        if report.failed:
            lines.append(f"broken: {report.nodeid}")
        elif report.skipped and isinstance(report.longrepr, tuple):
            lines.append(f"not run: {report.longrepr[2].removeprefix('Skipped: ')}")
    return list(dict.fromkeys(lines))
