"""Terraform rejects each bad value by the right validation, and accepts good values."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.infra.properties import PROPERTIES
from tests.infra.repository_files import ROOT
from tests.infra.terraform_files import FOLDERS, Variable, blocks, conditions, parsed, variables, variables_only
from tests.infra.variables.cases import SHARED, Change, accepted, cases, good, own, property_of, rejected
from tests.infra.variables.validation_errors import VariableValues, validation_errors

DECLARED: Final = {folder: variables(path) for folder, path in FOLDERS.items()}
CHECKED: Final = [(folder, each) for folder, several in DECLARED.items() for each in several if each.messages]
VERIFIED_PROPERTY: Final = {(folder, each.name): property_of(folder, each.name) for folder, each in CHECKED}
CHECKS: Final = {("eks", "standard_support")}
ErrorsByFolder = dict[str, list[tuple[Change, list[str]]]]


@pytest.fixture(scope="module")
def errors_by_folder(tmp_path_factory: pytest.TempPathFactory) -> ErrorsByFolder:
    """Terraform's errors for each change to a folder's good set, from a single run."""
    working = tmp_path_factory.mktemp("values")
    (working / "tree").symlink_to(ROOT)  # values contain paths in the repository
    changes = [(name, change) for name in FOLDERS for change in (*accepted(name), *rejected(name))]
    questions = [VariableValues(name, {**good(name), **change}) for name, change in changes]
    found: ErrorsByFolder = {name: [] for name in FOLDERS}
    for (name, change), errors in zip(
        changes,
        validation_errors(working, {name: variables_only(path) for name, path in FOLDERS.items()}, questions),
        strict=True,
    ):
        found[name].append((change, errors))
    return found


def rejections(folder: str, errors_by_folder: ErrorsByFolder) -> Counter[str]:
    """How often each message was the only error."""
    return Counter(errors[0] for _, errors in errors_by_folder[folder] if len(errors) == 1)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_variable_has_cases_and_each_case_a_variable(folder: str) -> None:
    declared = {variable.name for variable in DECLARED[folder]}
    assert declared - set(cases(folder)) == set()
    assert set(own(folder)) - declared == set()


def test_shared_cases_are_used() -> None:
    used = {name for folder in FOLDERS for name in cases(folder) if name not in own(folder)}
    assert set(SHARED) - used == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_good_values_are_accepted(folder: str, errors_by_folder: ErrorsByFolder) -> None:
    count = len(accepted(folder))
    assert [(change, errors) for change, errors in errors_by_folder[folder][:count] if errors] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_bad_value_is_rejected_by_one_validation(folder: str, errors_by_folder: ErrorsByFolder) -> None:
    bad = errors_by_folder[folder][len(accepted(folder)) :]
    assert bad
    declared = {message: variable.name for variable in DECLARED[folder] for message in variable.messages}
    for change, errors in bad:
        assert len(errors) == 1, (change, errors)
        assert declared.get(errors[0]) in change, (change, errors)


@pytest.mark.parametrize(("folder", "variable"), CHECKED, ids=[f"{folder}-{each.name}" for folder, each in CHECKED])
def test_each_validation_rejects_something(folder: str, variable: Variable, errors_by_folder: ErrorsByFolder) -> None:
    assert set(variable.messages) - set(rejections(folder, errors_by_folder)) == set()


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, marks=pytest.mark.property(number))
        for number in PROPERTIES
        if number in VERIFIED_PROPERTY.values()
    ],
)
def test_bad_values_that_would_break_a_property_are_rejected(
    number: int, errors_by_folder: ErrorsByFolder, evidence: Callable[[str], None]
) -> None:
    shown = [(folder, each) for folder, each in CHECKED if VERIFIED_PROPERTY[folder, each.name] == number]
    counts = [rejections(folder, errors_by_folder)[message] for folder, each in shown for message in each.messages]
    assert 0 not in counts
    names = sorted({each.name for _, each in shown})
    evidence(f"Terraform rejects {sum(counts)} bad values of {', '.join(names)}")


def test_a_message_names_the_variable_and_the_rule() -> None:
    for folder, variable in CHECKED:
        for message in variable.messages:
            assert re.search(rf"\b{variable.name}\b", message), (folder, message)
            assert re.search(r"\b(must|may not)\b", message), (folder, message)


@pytest.mark.parametrize("folder", FOLDERS)
def test_validation_messages_are_unique(folder: str) -> None:
    messages = [message for variable in DECLARED[folder] for message in variable.messages]
    assert len(set(messages)) == len(messages)


def test_terraform_reports_which_validation_rejected_a_value(tmp_path: Path) -> None:
    """The assumption of the other tests, checked with one variable and two validations."""
    rules = "".join(
        f'  validation {{\n    condition     = var.size {rule}\n    error_message = "size must be {rule}."\n  }}\n'
        for rule in ("> 0", "< 10")
    )
    root = {"one": f'variable "size" {{\n  type = number\n{rules}}}\n'}
    found = validation_errors(tmp_path, root, [VariableValues("one", {"size": size}) for size in (1, 0, 10, "ten")])
    assert found[:3] == [[], ["size must be > 0."], ["size must be < 10."]]
    assert len(found[3]) == 1
    assert "number" in found[3][0]


def test_each_condition_outside_of_a_variable_has_a_case() -> None:
    found = {(folder, name) for folder, path in FOLDERS.items() for name, _ in blocks(path, "check")}
    assert found == CHECKS
    files = [file for path in FOLDERS.values() for file in path.glob("*.tf")]
    assert [file for file in files if conditions(parsed(file))] == []


def test_conditions_are_counted_in_any_block(tmp_path: Path) -> None:
    block = '%s {\n      condition     = true\n      error_message = "No."\n    }'
    (tmp_path / "main.tf").write_text(
        f'resource "a" "b" {{\n  lifecycle {{\n    {block % "postcondition"}\n  }}\n}}\n\n'
        f'output "c" {{\n  value = 1\n\n  {block % "precondition"}\n}}\n'
    )
    assert conditions(parsed(tmp_path / "main.tf")) == 2
