"""Workflows run local commands with pinned actions and few permissions; each rule reports its violation."""

import re
from collections.abc import Callable

import pytest

from tests.infra.workflows import FOLDER, KEEP_CREDENTIALS, ROOT, WRITES, read, steps, violations, workflows


@pytest.mark.property(4)
@pytest.mark.parametrize("name", workflows())
def test_a_workflow_has_few_permissions_pinned_actions_and_no_secret(
    name: str, evidence: Callable[[str], None]
) -> None:
    assert violations(name, workflows()[name]) == []
    pinned = sum(text.count("uses: ") - text.count("uses: ./") for text in workflows().values())
    evidence(f"{len(workflows())} workflows: {pinned} actions, each pinned by SHA; no stored secret")


def test_write_permissions_belong_to_existing_jobs() -> None:
    for name, job in KEEP_CREDENTIALS:
        assert job in read(workflows()[name])["jobs"]
    for (name, job), scopes in WRITES.items():
        rights = read(workflows()[name])["jobs"][job]["permissions"]
        assert {scope for scope, right in rights.items() if right == "write"} == scopes


def test_ci_runs_local_commands_on_the_base_image() -> None:
    jobs = read(workflows()["ci"])["jobs"]
    assert [jobs[name]["steps"][-1]["run"] for name in ("test", "infra")] == [".ci/run", ".ci/run infra"]
    for name in ("test", "infra"):
        assert f"FROM {jobs[name]['container']} AS" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_test_is_run_by_one_of_the_jobs() -> None:
    jobs = read(workflows()["ci"])["jobs"]
    assert jobs["test"]["steps"][-1]["env"] == {"PYTEST_ARGS": "--ignore=tests/infra"}
    assert "env" not in jobs["infra"]["steps"][-1]
    assert "pytest -n auto tests/infra $(PYTEST_ARGS)" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_programs_called_by_workflows_exist_and_are_executable() -> None:
    called = {
        word
        for text in workflows().values()
        for _, step in steps(read(text))
        for word in re.findall(r"\.ci/[\w.-]+", step.get("run", ""))
    }
    assert ".ci/run" in called
    for path in called:
        assert (ROOT / path).stat().st_mode & 0o100, path


FAULTS = (
    ("pull_request:", "pull_request_target:", "on pull_request_target"),
    ("permissions: {}", "permissions: {contents: read}", "permissions for all jobs"),
    ("concurrency:", "defaults:", "may run concurrently"),
    ("LANG: C.UTF-8", "LANG: ${{ secrets.LANG }}", "a stored secret"),
    ("    permissions: {contents: read}\n", "", "test sets no permissions"),
    ("{contents: read}", "write-all", "test sets no permissions"),
    ("{contents: read}", "{contents: write}", "test may write contents"),
    ("{contents: read}", "{contents: write, id-token: write}", "assume an AWS role"),
    ("    timeout-minutes: 60\n", "", "test has no timeout"),
    ("ubuntu-24.04", "ubuntu-latest", "test runs on ubuntu-latest"),
    ("run: .ci/run\n", "run: .ci/run ${{ github.head_ref }}\n", "test interpolates an expression into a script"),
    ("persist-credentials: false", "persist-credentials: true", "test keeps the checkout's credentials"),
    ("uses: actions/", "uses: example/", "an action of example"),
    ("@8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1", "@v6", "is not pinned by SHA"),
    (" # v6.0.1", "", "is not pinned by SHA"),
)


@pytest.mark.parametrize(("good", "bad", "violation"), FAULTS)
def test_each_rule_reports_its_violation(good: str, bad: str, violation: str) -> None:
    text = (FOLDER / "ci.yml").read_text(encoding="utf-8")
    assert good in text
    assert violation in "\n".join(violations("ci", text.replace(good, bad, 1)))
