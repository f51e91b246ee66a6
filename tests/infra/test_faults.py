"""Break each property in a copy of the tree; the test that guards it must fail."""

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
"""Failure message by guard id; None if it was skipped, no entry if it passed."""

MIN_FAULTS = 15
NEED_DJANGO = {"tests/infra/plan/test_edge.py"}
"""Guards that need Django's URLs."""


def copy_tree(folder: Path) -> Path:
    """Copy all files that Git tracks or would add."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():  # Git still lists uncommitted deletions
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)  # charts link to dashboards/
    return folder


def failures(folder: Path, tests: Sequence[str]) -> Failures:
    """Run these tests on the copy, in a separate process.

    Most need neither Django nor plugins, and without them the first test starts three times as fast.
    """
    (folder / "guards.ini").touch()
    arguments = ["-vv", "-c", "guards.ini", "--import-mode=importlib", "-p", "no:cacheprovider"]
    arguments += ["-p", "tests.programs", "--confcutdir=tests/infra", "--disable-warnings"]
    arguments += ["-o", "junit_family=xunit1", "--junitxml=guards.xml"]
    if any(test.partition("::")[0] in NEED_DJANGO for test in tests):
        arguments += ["-p", "pytest_django.plugin", "--ds=tests.settings"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, *tests],
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
    return dict(_failure(case) for case in cases if len(case))


def _failure(case: ElementTree.Element) -> tuple[str, str | None]:
    """The guard's id and its failed assertion; None if it was skipped."""
    elements = {each.tag: (each.text or "") for each in case}
    assert "error" not in elements, elements["error"]
    identity = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
    if "failure" not in elements:
        return identity, None
    return identity, "\n".join(line for line in elements["failure"].splitlines() if line.startswith((">", "E ")))


def plant(fault: Fault, folder: Path) -> None:
    """Apply the edit. Fails if the text to replace no longer exists."""
    path = folder / fault.path
    if not fault.old:
        assert not path.exists(), f"{fault.path} exists: the fault would replace it"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fault.new, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    assert fault.old in text, f"{fault.path} no longer contains {fault.old!r}"
    path.write_text(text.replace(fault.old, fault.new, 1), encoding="utf-8")


def test_every_property_has_a_fault() -> None:
    assert {fault.number for fault in FAULTS} == set(PROPERTIES)
    assert len(FAULTS) >= MIN_FAULTS
    assert len({fault.what for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("tree", TREES)
def test_each_fault_of_a_tree_has_its_own_guard(tree: str) -> None:
    assert len({fault.test for fault in TREES[tree]}) == len(TREES[tree])


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Failures]:
    """A function that plants all faults of a tree in one copy and returns the guards' failures."""

    @cache
    def run_guards(tree: str) -> Failures:
        folder = copy_tree(tmp_path_factory.mktemp("faults"))
        for fault in TREES[tree]:
            plant(fault, folder)
        return failures(folder, [fault.test for fault in TREES[tree]])

    return run_guards


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
    caught = guarded(fault.tree)
    assert fault.test in caught, f"{fault.test} passed"
    message = caught[fault.test]
    if message is None:
        pytest.skip(f"this machine cannot run {fault.test}")
    assert fault.failure in message, message
    evidence(f"caught: {fault.what}")


def test_faults_are_in_the_order_of_the_properties() -> None:
    numbers = [number for number, _ in groupby(fault.number for fault in FAULTS)]
    assert numbers == sorted(set(numbers))
