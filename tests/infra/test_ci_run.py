""".ci/run: who interrupts it ends all of it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

RUN = Path(__file__).parents[2] / ".ci/run"
MAKE = """#!/bin/sh
case $2 in *--version) exit 0 ;; *--ignore*) half=first ;; *) half=second ;; esac
trap 'echo ended >"$0.$half"; exit 2' INT
echo begun >"$0.$half"
while :; do sleep 0.05; done
"""


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def until_both_say(make: Path, word: str) -> None:
    files = [Path(f"{make}.{half}") for half in ("first", "second")]
    deadline = time.monotonic() + 30
    while not all(file.exists() and file.read_text(encoding="utf-8").strip() == word for file in files):
        assert time.monotonic() < deadline, f"not both halves have {word}"
        time.sleep(0.05)


def test_an_interrupt_ends_both_halves_of_the_suite(tmp_path: Path) -> None:
    program(tmp_path / "make", MAKE)
    program(tmp_path / "id", "#!/bin/sh\necho 1000\n")  # so that it installs nothing
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTEST_ARGS": ""}
    # A terminal sends the signal to the group; whoever started these tests may have it ignored.
    command = ["env", "--default-signal=INT", str(RUN), "test"]
    with subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        try:
            until_both_say(tmp_path / "make", "begun")
            os.killpg(run.pid, signal.SIGINT)
            until_both_say(tmp_path / "make", "ended")
            assert run.wait(30) == 130
        finally:
            for process in (*psutil.Process(run.pid).children(recursive=True), run) if run.poll() is None else ():
                process.kill()
