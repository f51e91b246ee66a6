"""Argo CD's own schemas, as a package of npm has them, take our objects and refuse wrong ones."""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.infra.charts import Manifest
from tests.infra.gitops.argocd_model import MODES, applicationsets, everything
from tests.infra.gitops.test_addons import root_objects
from tests.requirement import skip_or_fail

_MODELS: Final = Path(__file__).parent / "models"
Check = Callable[[Sequence[Manifest]], list[str]]


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """A function that says for each object what its schema finds wrong; skips where Node or the package is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        skip_or_fail("node and npm are not installed: get Node 20 or newer")
    folder = tmp_path_factory.mktemp("models")
    for name in ("package.json", "package-lock.json", ".npmrc", "check.mjs"):
        shutil.copy(_MODELS / name, folder / name)
    words = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        skip_or_fail(f"the packages of {_MODELS.name}/package-lock.json cannot be had: {done.stderr.strip()[-200:]}")

    def checked(objects: Sequence[Manifest]) -> list[str]:
        ran = subprocess.run(
            [node, "check.mjs"],
            cwd=folder,
            input=json.dumps(list(objects)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return [str(each) for each in json.loads(ran.stdout)]

    return checked


@cache
def _ours() -> list[Manifest]:
    """Everything that we write for Argo CD: not to be changed."""
    root = [each for each in root_objects() if each["apiVersion"] == "argoproj.io/v1alpha1"]
    made = [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **each}
        for mode in MODES
        for group in everything("prod", mode).values()
        for each in group
    ]
    return [*root, *made, *(each for mode in MODES for each in applicationsets(mode))]


@pytest.mark.property(8)
def test_argo_cds_schemas_take_our_objects(check: Check, evidence: Callable[[str], None]) -> None:
    ours = _ours()
    wrong = [f"{each['metadata']['name']}: {said}" for each, said in zip(ours, check(ours), strict=True) if said]
    assert wrong == []
    kinds = sorted({each["kind"] for each in ours})
    evidence(f"{len(ours)} objects ({', '.join(kinds)}) fit Argo CD's schemas")


def _project(name: str) -> Manifest:
    return copy.deepcopy(next(each for each in _ours() if each["metadata"]["name"] == name))


def test_argo_cds_schemas_refuse_wrong_objects(check: Check) -> None:
    application = _project("root")
    application["spec"]["syncPolicy"]["automated"]["prune"] = "yes"
    without = _project("root")
    del without["spec"]["destination"]
    project = _project("station")
    project["spec"]["destinations"] = "everywhere"
    applicationset = _project("workloads")
    del applicationset["spec"]["template"]["spec"]["project"]
    said = check([application, without, project, applicationset])
    assert [bool(each) for each in said] == [True, True, True, True]
    assert "prune" in said[0]
    assert "destination" in said[1]


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((_MODELS / "package-lock.json").read_text())
    assert [name for name, each in lock["packages"].items() if "resolved" in each] == []
    assert [name for name, each in lock["packages"].items() if name and "integrity" not in each] == []
