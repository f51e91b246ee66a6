"""Each property is broken on purpose in a copy of the tree, and the test that guards it says so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import pytest

from tests.infra.faults import FAULTS, Fault
from tests.infra.properties import PROPERTIES

ROOT = Path(__file__).parents[2]
LEAST = 15


def copied(folder: Path) -> Path:
    """A copy of what Git would take with it, whatever of it is committed."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():  # what was removed and not committed is still listed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)  # charts link to dashboards/
    return folder


def outcomes(folder: Path, tests: Iterable[str]) -> tuple[int, str]:
    """The exit code and the words of these tests, run on the copy in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{folder / 'platform'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def plant(fault: Fault, folder: Path) -> None:
    """Make the edit; a fault whose place is gone is no fault any more and has to be written anew."""
    path = folder / fault.path
    if not fault.old:
        assert not path.exists(), f"{fault.path} is there: the fault would replace it"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fault.new, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    assert fault.old in text, f"{fault.path} does not say {fault.old!r} any more"
    path.write_text(text.replace(fault.old, fault.new, 1), encoding="utf-8")


def test_every_property_has_a_fault() -> None:
    assert {fault.number for fault in FAULTS} == set(PROPERTIES)
    assert len(FAULTS) >= LEAST
    assert len({fault.what for fault in FAULTS}) == len(FAULTS)


def test_without_a_fault_the_guards_are_content(tmp_path: Path) -> None:
    code, words = outcomes(copied(tmp_path), sorted({fault.test for fault in FAULTS}))
    if code == 0 and " passed" not in words:
        pytest.skip("this machine can run none of the guards")
    assert code == 0, words


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.property(fault.number), id=fault.what) for fault in FAULTS],
)
def test_a_fault_is_caught(fault: Fault, tmp_path: Path, evidence: Callable[[str], None]) -> None:
    folder = copied(tmp_path)
    plant(fault, folder)
    code, words = outcomes(folder, [fault.test])
    if code == 0 and " passed" not in words and " skipped" in words:
        pytest.skip(f"this machine cannot run {fault.test}")
    assert code == 1, words
    assert f"FAILED {fault.test}" in words, words
    evidence(f"caught: {fault.what}")


def test_faults_stand_in_the_order_of_the_properties() -> None:
    numbers = [number for number, _ in groupby(fault.number for fault in FAULTS)]
    assert numbers == sorted(set(numbers))
