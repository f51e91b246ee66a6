"""Each property is broken on purpose in a copy of the tree, and the test that guards it says so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import pytest

from tests.infra.faults import FAULTS, Fault
from tests.infra.properties import PROPERTIES

ROOT = Path(__file__).parents[2]
Guarded = Mapping[str, Future[tuple[int, str]]]

LEAST = 15
ASK_DJANGO = {"tests/infra/plan/test_edge.py"}
"""Guards that compare with the addresses that Django serves."""


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


def outcomes(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
    """The exit code and the words of these tests, run on the copy in a process of their own.

    Without Django and the plugins, which few of them need, a process is at its first test three times as soon.
    """
    (folder / "guards.ini").touch()
    words = ["-q", "-c", "guards.ini", "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "tests.programs"]
    if any(test.partition("::")[0] in ASK_DJANGO for test in tests):
        words += ["-p", "pytest_django.plugin", "--ds=tests.settings"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--confcutdir=tests/infra", "--disable-warnings", *tests],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{folder}:{folder / 'platform'}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
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


@pytest.fixture(scope="module")
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """What the guards of all chosen faults say, by fault: as many at a time as there are processors."""
    chosen = [fault for item in request.session.items if (fault := fault_of(item))]
    pool = ThreadPoolExecutor(os.cpu_count())
    yield {fault.what: pool.submit(planted, fault, tmp_path_factory.mktemp("fault")) for fault in chosen}
    pool.shutdown(cancel_futures=True)


def fault_of(item: pytest.Item) -> Fault | None:
    """The fault that the test plants, where it is one of these."""
    mine = isinstance(item, pytest.Function) and item.originalname == test_a_fault_is_caught.__name__
    fault = item.callspec.params["fault"] if mine else None  # type: ignore[attr-defined]
    return fault if isinstance(fault, Fault) else None


def planted(fault: Fault, folder: Path) -> tuple[int, str]:
    """What the guard says in a copy that has the fault."""
    plant(fault, copied(folder))
    return outcomes(folder, [fault.test])


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.property(fault.number), id=fault.what) for fault in FAULTS],
)
def test_a_fault_is_caught(fault: Fault, guarded: Guarded, evidence: Callable[[str], None]) -> None:
    code, words = guarded[fault.what].result()
    if code == 0 and " passed" not in words and " skipped" in words:
        pytest.skip(f"this machine cannot run {fault.test}")
    assert code == 1, words
    assert f"FAILED {fault.test}" in words, words
    evidence(f"caught: {fault.what}")


def test_faults_stand_in_the_order_of_the_properties() -> None:
    numbers = [number for number, _ in groupby(fault.number for fault in FAULTS)]
    assert numbers == sorted(set(numbers))
