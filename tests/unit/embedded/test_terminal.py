import io
import shlex
from pathlib import Path

from embedded.terminal import Progress, StartupSummary


def _departures() -> StartupSummary:
    return StartupSummary(
        site="http://127.0.0.1:8000",
        prometheus="http://127.0.0.1:9090",
        postgres="127.0.0.1:15432",
        kafka="127.0.0.1:19092",
        processes=("web", "ingest"),
        logs=Path(".anden/logs"),
        password="a-password",
        key="anden_1_secret",
    )


def test_the_block_names_every_address_and_the_login() -> None:
    block = _departures().block()
    for part in (
        "127.0.0.1:15432",
        "127.0.0.1:19092",
        "/admin/",
        "/api/docs",
        "/metrics",
        "127.0.0.1:9090",
        "/admin/monitoring/fleet/",
        "steward, password a-",
    ):
        assert part in block


def test_the_printed_command_is_one_line_that_a_shell_reads_back_as_meant() -> None:
    departures = _departures()
    lines = [line for line in departures.block().splitlines() if line.strip().startswith("curl")]
    assert [shlex.split(line) for line in lines] == [departures.curl()]
    assert "Authorization: Bearer anden_1_secret" in departures.curl()


def test_progress_tells_the_rate_and_says_once_that_nothing_arrives_any_more() -> None:
    out = io.StringIO()
    progress = Progress(out, every_s=10)
    for now_s, rows in ((0, 1000), (1, 2000), (10, 51_000), (20, 51_000), (30, 51_000), (40, 51_500)):
        progress.show(rows, now_s=now_s)
    said = [line.split("PostgreSQL: ")[1] for line in out.getvalue().splitlines()]
    assert said == ["1,000", "51,000, +5,000 a second", "51,000", "51,500, +50 a second"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_message_does_not_run_into_the_progress_line() -> None:
    out = _Terminal()
    progress = Progress(out)
    progress.show(5, now_s=0)
    progress.say("web: ERROR")
    assert out.getvalue().endswith("PostgreSQL: 5\nweb: ERROR\n")
