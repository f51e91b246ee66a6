""".ci/retry retries a command and returns its exit code if it keeps failing."""

import os
import subprocess
from pathlib import Path

import pytest

RETRY = Path(__file__).parents[2] / ".ci/retry"


def again(folder: Path, failures: int) -> tuple[int, int]:
    """Exit code and number of runs of a command that fails this many times with code 7."""
    flaky = folder / "flaky"
    flaky.write_text(
        '#!/bin/sh\necho "$1" >>"$0.ran"\n' + f'[ "$(wc -l <"$0.ran")" -gt {failures} ] || exit 7\n', encoding="utf-8"
    )
    flaky.chmod(0o755)
    done = subprocess.run(
        [RETRY, flaky, "two words"], env={**os.environ, "RETRY_PAUSE_S": "0"}, capture_output=True, check=False
    )
    ran = Path(f"{flaky}.ran").read_text().splitlines()
    assert set(ran) == {"two words"}
    return done.returncode, len(ran)


@pytest.mark.parametrize(("failures", "code", "times"), [(0, 0, 1), (2, 0, 3), (4, 0, 5), (9, 7, 5)])
def test_a_command_is_run_at_most_five_times(tmp_path: Path, failures: int, code: int, times: int) -> None:
    assert again(tmp_path, failures) == (code, times)
