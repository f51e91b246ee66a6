"""Each property is broken on purpose in a copy of the tree, and the test that guards it says so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.infra.faults import FAULTS, Fault
from tests.infra.properties import PROPERTIES

ROOT = Path(__file__).parents[2]
TREES = {fault.tree: [each for each in FAULTS if each.tree == fault.tree] for fault in FAULTS}
Failures = Mapping[str, str | None]
"""What each guard's failure says, by the guard's id; None where it was skipped, and no entry where it passed."""

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


def verdicts(folder: Path, tests: Sequence[str]) -> Failures:
    """What these tests say of the copy, run in a process of their own.

    Without Django and the plugins, which few of them need, a process is at its first test three times as soon.
    """
    (folder / "guards.ini").touch()
    words = ["-vv", "-c", "guards.ini", "--import-mode=importlib", "-p", "no:cacheprovider"]
    words += ["-p", "tests.programs", "--confcutdir=tests/infra", "--disable-warnings"]
    words += ["-o", "junit_family=xunit1", "--junitxml=guards.xml"]
    if any(test.partition("::")[0] in ASK_DJANGO for test in tests):
        words += ["-p", "pytest_django.plugin", "--ds=tests.settings"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *tests],
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
    assert done.returncode in {0, 1}, done.stdout
    cases = list(ElementTree.parse(folder / "guards.xml").iter("testcase"))  # noqa: S314 - pytest wrote it
    assert len(cases) == len(set(tests)), done.stdout
    return dict(_verdict(case) for case in cases if len(case))


def _verdict(case: ElementTree.Element) -> tuple[str, str | None]:
    """A guard's id, and of its failure the statement that did not hold, with what it said."""
    told = {each.tag: (each.text or "") for each in case}
    assert "error" not in told, told["error"]
    identity = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
    if "failure" not in told:
        return identity, None
    return identity, "\n".join(line for line in told["failure"].splitlines() if line.startswith((">", "E ")))


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


@pytest.mark.parametrize("tree", TREES)
def test_faults_of_a_tree_have_a_guard_each(tree: str) -> None:
    assert len({fault.test for fault in TREES[tree]}) == len(TREES[tree])


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Failures]:
    """A function of a tree that says what the guards of its faults say, all of them planted in one copy."""

    @cache
    def told(tree: str) -> Failures:
        folder = copied(tmp_path_factory.mktemp("faults"))
        for fault in TREES[tree]:
            plant(fault, folder)
        return verdicts(folder, [fault.test for fault in TREES[tree]])

    return told


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            marks=[pytest.mark.property(fault.number), pytest.mark.xdist_group(f"faults, {fault.tree}")],
            id=fault.what,
        )
        for fault in FAULTS
    ],
)
def test_a_fault_is_caught(fault: Fault, guarded: Callable[[str], Failures], evidence: Callable[[str], None]) -> None:
    told = guarded(fault.tree)
    assert fault.test in told, f"{fault.test} has nothing against it"
    failure = told[fault.test]
    if failure is None:
        pytest.skip(f"this machine cannot run {fault.test}")
    assert fault.said in failure, failure
    evidence(f"caught: {fault.what}")


def test_faults_stand_in_the_order_of_the_properties() -> None:
    numbers = [number for number, _ in groupby(fault.number for fault in FAULTS)]
    assert numbers == sorted(set(numbers))
