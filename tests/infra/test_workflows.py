"""The workflows run what a person runs, with pinned actions and few rights; each rule is broken once and speaks."""

import re
from collections.abc import Callable

import pytest

from tests.infra.workflows import FOLDER, KEEP_CREDENTIALS, ROOT, WRITES, read, steps, workflows, wrong


@pytest.mark.property(4)
@pytest.mark.parametrize("name", workflows())
def test_a_workflow_has_few_rights_pinned_actions_and_no_secret(name: str, evidence: Callable[[str], None]) -> None:
    assert wrong(name, workflows()[name]) == []
    pinned = sum(text.count("uses: ") - text.count("uses: ./") for text in workflows().values())
    evidence(f"{len(workflows())} workflows: {pinned} uses of actions, each by SHA; no secret is stored")


def test_what_may_be_written_is_written_by_a_job_that_there_is() -> None:
    for name, job in KEEP_CREDENTIALS:
        assert job in read(workflows()[name])["jobs"]
    for (name, job), scopes in WRITES.items():
        rights = read(workflows()[name])["jobs"][job]["permissions"]
        assert {scope for scope, right in rights.items() if right == "write"} == scopes


def test_ci_runs_what_a_person_runs_on_the_image_that_ours_is_built_on() -> None:
    jobs = read(workflows()["ci"])["jobs"]
    assert [jobs[name]["steps"][-1]["run"] for name in ("test", "infra")] == [".ci/run", ".ci/run infra"]
    for name in ("test", "infra"):
        assert f"FROM {jobs[name]['container']} AS" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_no_test_is_left_out_by_both_jobs() -> None:
    jobs = read(workflows()["ci"])["jobs"]
    assert jobs["test"]["steps"][-1]["env"] == {"PYTEST_ARGS": "--ignore=tests/infra"}
    assert "env" not in jobs["infra"]["steps"][-1]
    assert "pytest -n auto tests/infra $(PYTEST_ARGS)" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_what_a_workflow_calls_is_there_and_executable() -> None:
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
    ("permissions: {}", "permissions: {contents: read}", "rights that no job asked for"),
    ("concurrency:", "defaults:", "in each other's way"),
    ("LANG: C.UTF-8", "LANG: ${{ secrets.LANG }}", "a secret is stored"),
    ("    permissions: {contents: read}\n", "", "test does not say what it may"),
    ("{contents: read}", "write-all", "test does not say what it may"),
    ("{contents: read}", "{contents: write}", "test may write contents"),
    ("{contents: read}", "{contents: write, id-token: write}", "become a role on AWS"),
    ("    timeout-minutes: 60\n", "", "test may run for hours"),
    ("ubuntu-24.04", "ubuntu-latest", "test runs on ubuntu-latest"),
    ("run: .ci/run\n", "run: .ci/run ${{ github.head_ref }}\n", "test writes an expression into a script"),
    ("persist-credentials: false", "persist-credentials: true", "test keeps the checkout's credentials"),
    ("uses: actions/", "uses: example/", "an action of example"),
    ("@8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1", "@v6", "is not pinned by SHA"),
    (" # v6.0.1", "", "is not pinned by SHA"),
)


@pytest.mark.parametrize(("good", "bad", "complaint"), FAULTS)
def test_each_rule_speaks_where_it_is_broken(good: str, bad: str, complaint: str) -> None:
    text = (FOLDER / "ci.yml").read_text(encoding="utf-8")
    assert good in text
    assert complaint in "\n".join(wrong("ci", text.replace(good, bad, 1)))
