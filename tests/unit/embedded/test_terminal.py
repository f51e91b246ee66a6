import io
import shlex
from pathlib import Path

from embedded.terminal import Progress, StartupSummary


def _summary() -> StartupSummary:
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


def test_the_summary_lists_every_url_and_the_login() -> None:
    block = _summary().block()
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


def test_the_printed_command_is_one_line_and_quoted_for_a_shell() -> None:
    summary = _summary()
    lines = [line for line in summary.block().splitlines() if line.strip().startswith("curl")]
    assert [shlex.split(line) for line in lines] == [summary.curl()]
    assert "Authorization: Bearer anden_1_secret" in summary.curl()


def test_progress_prints_the_rate_and_a_single_line_once_rows_stop_arriving() -> None:
    out = io.StringIO()
    progress = Progress(out, every_s=10)
    for now_s, rows in ((0, 1000), (1, 2000), (10, 51_000), (20, 51_000), (30, 51_000), (40, 51_500)):
        progress.show(rows, now_s=now_s)
    printed = [line.split("PostgreSQL: ")[1] for line in out.getvalue().splitlines()]
    assert printed == ["1,000", "51,000, +5,000/s", "51,000", "51,500, +50/s"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_message_on_a_terminal_starts_on_a_new_line() -> None:
    out = _Terminal()
    progress = Progress(out)
    progress.show(5, now_s=0)
    progress.print_line("web: ERROR")
    assert out.getvalue().endswith("PostgreSQL: 5\nweb: ERROR\n")
