"""A rolling upgrade and a rollback under load: processes of 0.2.0 and of this code side by side."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from embedded.errors import NetworkNeeded, NotInstalled
from tests.drill.drill import Drill, HistoryMissing, Plan, drill
from tests.requirement import skip_or_fail

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@pytest.fixture
def two_releases() -> Iterator[Drill]:
    """A drill of about a minute with one pair of processes."""
    with TemporaryDirectory(prefix="anden-drill-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        try:
            with drill(folder, Plan(seconds=6, pairs=1, share=0.5, pause_s=0.3)) as one:
                yield one
        except (HistoryMissing, NotInstalled, NetworkNeeded) as exc:
            skip_or_fail(str(exc))


def test_a_rolling_upgrade_and_a_rollback_lose_nothing_and_fail_no_request(
    two_releases: Drill, record_figure: Callable[[str], None]
) -> None:
    report = two_releases.run()
    assert two_releases.journal.faults == [], report
    record_figure(f"two releases side by side, {two_releases.journal.elapsed_s:.0f} s: {report.splitlines()[-1]}")
