"""Roots and modules have the same structure and call only modules in this repository."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.infra.repository_files import ROOT
from tests.infra.terraform_files import FOLDERS, MODULES, TERRAFORM, blocks, parsed, variables

FILES: Final = {"main.tf", "outputs.tf", "variables.tf", "versions.tf"}
# The output becomes annotations, so that a new value needs one edit, not three.
UNTYPED: Final = {("kubernetes", "station")}


def sources(path: Path) -> Iterator[str]:
    """Sources of all module calls in the file, including those in test runs."""
    document = parsed(path)
    calls: list[Any] = [body for block in document.get("module", []) for body in block.values()]
    for block in document.get("run", []):
        calls += [inner for body in block.values() for inner in body.get("module", [])]
    for call in calls:
        yield str(call.get("source", ""))


def is_local(source: str, folder: Path) -> bool:
    """Whether the source is a path to a directory in this repository."""
    found = (folder / source).resolve()
    return source.startswith(("./", "../")) and found.is_dir() and found.is_relative_to(ROOT)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_has_a_one_word_name_and_four_files(module: Path) -> None:
    assert re.fullmatch(r"[a-z]+", module.name)
    assert {path.name for path in module.glob("*.tf*")} == FILES


@pytest.mark.property(7)
def test_a_module_requires_versions_and_has_no_backend(evidence: Callable[[str], None]) -> None:
    for module in MODULES:
        settings = [
            name for path in module.glob("*.tf") for each in parsed(path).get("terraform", []) for name in each
        ]
        assert sorted(settings) == ["required_providers", "required_version"], module.name
    evidence(f"{len(MODULES)} modules of four files each, none with a backend")


@pytest.mark.property(1)
def test_each_source_is_a_folder_of_this_repository(evidence: Callable[[str], None]) -> None:
    files = [path for pattern in ("*.tf", "*.tftest.hcl") for path in sorted(TERRAFORM.rglob(pattern))]
    calls = [(path, source) for path in files if ".terraform" not in path.parts for source in sources(path)]
    assert len(calls) >= len(MODULES)
    assert [(str(path), source) for path, source in calls if not is_local(source, path.parent)] == []
    evidence(f"{len(calls)} calls of modules, each by a path within the repository")


@pytest.mark.parametrize(
    "source",
    [
        "terraform-aws-modules/vpc/aws",
        "app.terraform.io/example/vpc/aws",
        "git::https://example.org/network.git",
        "github.com/example/network",
        "https://example.org/network.zip",
        "modules/network",
        "../modules/nowhere",
        "../../../elsewhere",
        "",
    ],
)
def test_an_external_source_is_reported(source: str, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(f'module "network" {{\n  source = "{source}"\n}}\n')
    (tmp_path / "a.tftest.hcl").write_text(f'run "a" {{\n  module {{\n    source = "{source}"\n  }}\n}}\n')
    for name in ("main.tf", "a.tftest.hcl"):
        (found,) = sources(tmp_path / name)
        assert not is_local(found, FOLDERS["aws"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_variable_is_typed_described_and_validated(folder: str) -> None:
    for variable in variables(FOLDERS[folder]):
        assert variable.type, variable.name
        assert (variable.type == "any") == ((folder, variable.name) in UNTYPED), variable.name
        assert re.search(r"[.?]$", variable.description), variable.name
        # A bool needs no validation.
        assert bool(variable.messages) == (variable.type != "bool"), variable.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_output_is_described(folder: str) -> None:
    assert [name for name, body in blocks(FOLDERS[folder], "output") if not body.get("description")] == []
