"""What a workflow of GitHub's may not do here, as rules on what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".github/workflows"
Workflow = dict[str, Any]

TRIGGERS: Final = {"push", "pull_request", "schedule", "workflow_call", "workflow_dispatch"}
"""None of these lets a stranger's pull request near a right to write."""
OWNERS: Final = {"actions", "github", "hashicorp"}
"""Whose actions we run at all."""
RUNNERS: Final = {"ubuntu-24.04", "ubuntu-24.04-arm"}
LONGEST_MINUTES: Final = 60
WRITES: Final = {
    ("ci", "deliver"): {"contents", "id-token", "pull-requests", "actions"},  # the bounds of what it calls
    ("delivery", "build"): {"id-token"},
    ("delivery", "publish"): {"id-token"},
    ("delivery", "commit"): {"contents"},
    ("delivery", "propose"): {"contents", "pull-requests", "actions"},
    ("release", "image"): {"id-token"},
    ("release", "page"): {"contents"},
    ("security", "code"): {"security-events"},
}
"""What a job may write, by workflow and job; every other one only reads."""
KEEP_CREDENTIALS: Final = {("delivery", "commit"), ("delivery", "propose"), ("release", "version")}
"""Jobs that speak to the repository's server later on, and so keep the checkout's credentials."""


def read(text: str) -> Workflow:
    """The workflow; YAML 1.1 takes the word `on` for true."""
    found = yaml.safe_load(text)
    return {"on" if key is True else str(key): value for key, value in found.items()}


def workflows() -> dict[str, str]:
    """The text of each workflow by its file's stem."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}


def steps(workflow: Workflow) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each step with the name of its job."""
    for name, job in workflow["jobs"].items():
        for step in job.get("steps", []):
            yield name, step


def wrong(name: str, text: str) -> list[str]:
    """What breaks a rule in this workflow, a line each."""
    workflow = read(text)
    return [*_whole(workflow, text), *_jobs(name, workflow), *_steps(name, workflow), *_actions(text)]


def _whole(workflow: Workflow, text: str) -> Iterator[str]:
    on = {workflow["on"]} if isinstance(workflow["on"], str) else set(workflow["on"])
    yield from (f"on {each}" for each in sorted(on - TRIGGERS))
    if workflow.get("permissions") != {}:
        yield "the workflow has rights that no job asked for"
    if "workflow_call" not in on and "group" not in workflow.get("concurrency", {}):
        yield "two runs may be in each other's way"
    if re.search(r"\bsecrets\b", text):
        yield "a secret is stored: roles come by OIDC, and the job's token is github.token"


def _jobs(name: str, workflow: Workflow) -> Iterator[str]:
    for key, job in workflow["jobs"].items():
        rights = job.get("permissions")
        if not isinstance(rights, dict):
            yield f"{key} does not say what it may"
            continue
        written = {scope for scope, right in rights.items() if right == "write"}
        yield from (f"{key} may write {scope}" for scope in sorted(written - WRITES.get((name, key), set())))
        if "uses" in job:
            continue
        if {"id-token", "contents"} <= written:
            yield f"{key} may both push code and become a role on AWS"
        if not 0 < job.get("timeout-minutes", 0) <= LONGEST_MINUTES:
            yield f"{key} may run for hours"
        yield from (f"{key} runs on {runner}" for runner in sorted(_runners(job) - RUNNERS))


def _runners(job: dict[str, Any]) -> set[str]:
    """Each kind of machine that the job runs on."""
    chosen = re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", job["runs-on"])
    return {each[chosen[1]] for each in job["strategy"]["matrix"]["include"]} if chosen else {job["runs-on"]}


def _steps(name: str, workflow: Workflow) -> Iterator[str]:
    for job, step in steps(workflow):
        if "${{" in step.get("run", ""):
            yield f"{job} writes an expression into a script: hand it over by env"
        if step.get("uses", "").startswith("actions/checkout@"):
            kept = step.get("with", {}).get("persist-credentials", True)
            if kept is not ((name, job) in KEEP_CREDENTIALS):
                yield f"{job} {'keeps' if kept else 'lacks'} the checkout's credentials"


def _actions(text: str) -> Iterator[str]:
    for line in re.findall(r"^\s*(?:- )?uses: *(.+)$", text, re.MULTILINE):
        if line.startswith("./.github/workflows/"):
            continue
        owner = line.partition("/")[0]
        if owner not in OWNERS:
            yield f"an action of {owner}"
        if not re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line):
            yield f"{line} is not pinned by SHA, with its version beside it"
