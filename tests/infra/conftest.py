"""What the tests of the infrastructure share: evidence, and a line for each property at the end."""

import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence

import pytest

from tests.infra.charts import Manifest, anden
from tests.infra.children import Child, begin_if_chosen, child
from tests.infra.plans import ROOT, Planned, Root
from tests.infra.properties import BEYOND, PROPERTIES

Outcomes = dict[int, list[pytest.TestReport]]
_OUTCOMES = pytest.StashKey[Outcomes]()


def pytest_configure(config: pytest.Config) -> None:
    """Have a place for what each property's tests said."""
    outcomes: Outcomes = defaultdict(list)
    config.stash[_OUTCOMES] = outcomes


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that keeps what the test saw, for the line of its property."""

    def keep(seen: str) -> None:
        request.node.user_properties.append(("evidence", seen))

    return keep


@pytest.fixture(scope="session")
def through_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """The API's tests through events of a gateway, begun."""
    words = ["-q", "-p", "no:cacheprovider", "tests/integration/api", "--through", "gateway"]
    said = tmp_path_factory.mktemp("gateway") / "said.txt"
    with child([sys.executable, "-m", "pytest", *words], said, folder=ROOT) as begun:
        yield begun


@pytest.fixture(scope="session", autouse=True)
def _begun_ahead(request: pytest.FixtureRequest) -> None:
    """What takes minutes goes on beside the other tests from now on, where a chosen test asks for it."""
    begin_if_chosen(request, "through_gateway")


@pytest.fixture(scope="session", params=["dev", "prod", "minimal"])
def rendered(request: pytest.FixtureRequest) -> list[Manifest]:
    """The objects of charts/anden, once for each set of values."""
    return anden(request.param)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """The root on AWS in a copy, initialised once for all who ask Terraform."""
    return Root.copied(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def planned(root: Root) -> Planned:
    """A function of an environment, and of a mode of PostgreSQL, that says what Terraform plans."""
    return root.planned


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the report of a test that shows a property."""
    report = yield
    if report.when == "call" or not report.passed:
        for mark in item.iter_markers("property"):
            for number in mark.args:
                item.config.stash[_OUTCOMES][number].append(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each property: shown, by how many tests, and what they saw."""
    outcomes = config.stash.get(_OUTCOMES, {})
    if not outcomes:
        return
    terminalreporter.section("Properties of the infrastructure")
    for number, title in PROPERTIES.items():
        reports = outcomes.get(number, [])
        terminalreporter.line(f"{number:2}  {_verdict(reports):<22}  {title}")
        for seen in _evidence(reports):
            terminalreporter.line(f"{'':28}{seen}")
        if reports:
            terminalreporter.line(f"{'':4}not from here{'':11}{BEYOND[number]}")


def _verdict(reports: Sequence[pytest.TestReport]) -> str:
    counts = {word: sum(getattr(report, word) for report in reports) for word in ("passed", "failed", "skipped")}
    if counts["failed"]:
        return f"BROKEN by {counts['failed']} of {len(reports)}"
    if not counts["passed"]:
        return "not run" if reports else "no test was chosen"
    left = f", {counts['skipped']} not run" if counts["skipped"] else ""
    return f"shown by {counts['passed']}{left}"


def _evidence(reports: Sequence[pytest.TestReport]) -> list[str]:
    """What was seen, each thing once; of what broke or did not run, the test and the reason."""
    lines = [str(seen) for report in reports for name, seen in report.user_properties if name == "evidence"]
    for report in reports:
        if report.failed:
            lines.append(f"broken: {report.nodeid}")
        elif report.skipped and isinstance(report.longrepr, tuple):
            lines.append(f"not run: {report.longrepr[2].removeprefix('Skipped: ')}")
    return list(dict.fromkeys(lines))
