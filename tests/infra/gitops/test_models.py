"""Argo CD's schemas, from an npm package, accept the project's objects and reject invalid ones."""

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
    """A function that returns each object's schema error, or an empty string; skips without Node or the package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        skip_or_fail("node and npm are not installed: install Node 20 or newer")
    folder = tmp_path_factory.mktemp("models")
    for name in ("package.json", "package-lock.json", ".npmrc", "check.mjs"):
        shutil.copy(_MODELS / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        skip_or_fail(
            f"the packages of {_MODELS.name}/package-lock.json cannot be installed: {done.stderr.strip()[-200:]}"
        )

    def checked(manifests: Sequence[Manifest]) -> list[str]:
        ran = subprocess.run(
            [node, "check.mjs"],
            cwd=folder,
            input=json.dumps(list(manifests)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return [str(each) for each in json.loads(ran.stdout)]

    return checked


@cache
def _argo_objects() -> list[Manifest]:
    """All Argo CD objects of the project. Cached: do not modify."""
    root = [each for each in root_objects() if each["apiVersion"] == "argoproj.io/v1alpha1"]
    made = [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **each}
        for mode in MODES
        for group in everything("prod", mode).values()
        for each in group
    ]
    return [*root, *made, *(each for mode in MODES for each in applicationsets(mode))]


@pytest.mark.property(8)
def test_argo_cds_schemas_accept_the_objects(check: Check, evidence: Callable[[str], None]) -> None:
    objects = _argo_objects()
    wrong = [
        f"{each['metadata']['name']}: {error}" for each, error in zip(objects, check(objects), strict=True) if error
    ]
    assert wrong == []
    kinds = sorted({each["kind"] for each in objects})
    evidence(f"{len(objects)} objects ({', '.join(kinds)}) match Argo CD's schemas")


def _project(name: str) -> Manifest:
    return copy.deepcopy(next(each for each in _argo_objects() if each["metadata"]["name"] == name))


def test_argo_cds_schemas_reject_invalid_objects(check: Check) -> None:
    application = _project("root")
    application["spec"]["syncPolicy"]["automated"]["prune"] = "yes"
    without = _project("root")
    del without["spec"]["destination"]
    project = _project("station")
    project["spec"]["destinations"] = "everywhere"
    applicationset = _project("workloads")
    del applicationset["spec"]["template"]["spec"]["project"]
    errors = check([application, without, project, applicationset])
    assert [bool(each) for each in errors] == [True, True, True, True]
    assert "prune" in errors[0]
    assert "destination" in errors[1]


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((_MODELS / "package-lock.json").read_text())
    assert [name for name, each in lock["packages"].items() if "resolved" in each] == []
    assert [name for name, each in lock["packages"].items() if name and "integrity" not in each] == []
