"""Terraform itself refuses each bad value, by the validation that is meant for it, and accepts the good ones."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.infra.properties import PROPERTIES
from tests.infra.repository_files import ROOT
from tests.infra.terraform_files import FOLDERS, Variable, bare, blocks, conditions, parsed, variables
from tests.infra.variables.cases import SHARED, Change, accepted, cases, good, own, property_of, refused
from tests.infra.variables.validation_errors import VariableValues, verdicts

DECLARED: Final = {folder: variables(path) for folder, path in FOLDERS.items()}
CHECKED: Final = [(folder, each) for folder, several in DECLARED.items() for each in several if each.messages]
SHOWN: Final = {(folder, each.name): property_of(folder, each.name) for folder, each in CHECKED}
CHECKS: Final = {("eks", "standard_support")}
Answers = dict[str, list[tuple[Change, list[str]]]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Terraform's complaints about each change of a folder's good set: everything is asked at once."""
    working = tmp_path_factory.mktemp("values")
    (working / "tree").symlink_to(ROOT)  # values name folders of the repository
    changes = [(name, change) for name in FOLDERS for change in (*accepted(name), *refused(name))]
    questions = [VariableValues(name, {**good(name), **change}) for name, change in changes]
    told: Answers = {name: [] for name in FOLDERS}
    for (name, change), complaints in zip(
        changes, verdicts(working, {name: bare(path) for name, path in FOLDERS.items()}, questions), strict=True
    ):
        told[name].append((change, complaints))
    return told


def refusals(folder: str, answers: Answers) -> Counter[str]:
    """How often each message was the one complaint."""
    return Counter(complaints[0] for _, complaints in answers[folder] if len(complaints) == 1)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_variable_has_cases_and_each_case_a_variable(folder: str) -> None:
    declared = {variable.name for variable in DECLARED[folder]}
    assert declared - set(cases(folder)) == set()
    assert set(own(folder)) - declared == set()


def test_shared_cases_are_used() -> None:
    used = {name for folder in FOLDERS for name in cases(folder) if name not in own(folder)}
    assert set(SHARED) - used == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_good_values_are_accepted(folder: str, answers: Answers) -> None:
    count = len(accepted(folder))
    assert [(change, complaints) for change, complaints in answers[folder][:count] if complaints] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_bad_value_is_refused_by_one_validation(folder: str, answers: Answers) -> None:
    bad = answers[folder][len(accepted(folder)) :]
    assert bad
    declared = {message: variable.name for variable in DECLARED[folder] for message in variable.messages}
    for change, complaints in bad:
        assert len(complaints) == 1, (change, complaints)
        assert declared.get(complaints[0]) in change, (change, complaints)


@pytest.mark.parametrize(("folder", "variable"), CHECKED, ids=[f"{folder}-{each.name}" for folder, each in CHECKED])
def test_each_validation_refuses_something(folder: str, variable: Variable, answers: Answers) -> None:
    assert set(variable.messages) - set(refusals(folder, answers)) == set()


@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=pytest.mark.property(number)) for number in PROPERTIES if number in SHOWN.values()],
)
def test_bad_values_that_would_break_a_property_are_refused(
    number: int, answers: Answers, evidence: Callable[[str], None]
) -> None:
    told = [(folder, each) for folder, each in CHECKED if SHOWN[folder, each.name] == number]
    counts = [refusals(folder, answers)[message] for folder, each in told for message in each.messages]
    assert 0 not in counts
    names = sorted({each.name for _, each in told})
    evidence(f"Terraform refuses {sum(counts)} bad values of {', '.join(names)}")


def test_a_message_names_the_variable_and_the_rule() -> None:
    for folder, variable in CHECKED:
        for message in variable.messages:
            assert re.search(rf"\b{variable.name}\b", message), (folder, message)
            assert re.search(r"\b(must|may not)\b", message), (folder, message)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_two_validations_of_a_folder_say_the_same(folder: str) -> None:
    messages = [message for variable in DECLARED[folder] for message in variable.messages]
    assert len(set(messages)) == len(messages)


def test_terraform_says_which_validation_refused_a_value(tmp_path: Path) -> None:
    """What the tests above rest on, seen at a root of one variable with two validations."""
    rules = "".join(
        f'  validation {{\n    condition     = var.size {rule}\n    error_message = "size must be {rule}."\n  }}\n'
        for rule in ("> 0", "< 10")
    )
    root = {"one": f'variable "size" {{\n  type = number\n{rules}}}\n'}
    said = verdicts(tmp_path, root, [VariableValues("one", {"size": size}) for size in (1, 0, 10, "ten")])
    assert said[:3] == [[], ["size must be > 0."], ["size must be < 10."]]
    assert len(said[3]) == 1
    assert "number" in said[3][0]


def test_each_condition_outside_of_a_variable_has_a_case() -> None:
    found = {(folder, name) for folder, path in FOLDERS.items() for name, _ in blocks(path, "check")}
    assert found == CHECKS
    files = [file for path in FOLDERS.values() for file in path.glob("*.tf")]
    assert [file for file in files if conditions(parsed(file))] == []


def test_conditions_are_counted_wherever_they_stand(tmp_path: Path) -> None:
    told = '%s {\n      condition     = true\n      error_message = "No."\n    }'
    (tmp_path / "main.tf").write_text(
        f'resource "a" "b" {{\n  lifecycle {{\n    {told % "postcondition"}\n  }}\n}}\n\n'
        f'output "c" {{\n  value = 1\n\n  {told % "precondition"}\n}}\n'
    )
    assert conditions(parsed(tmp_path / "main.tf")) == 2
