"""Rules for the GitHub workflows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".github/workflows"
Workflow = dict[str, Any]

TRIGGERS: Final = {"push", "pull_request", "schedule", "workflow_call", "workflow_dispatch"}
"""Triggers that give a fork's pull request no write access."""
OWNERS: Final = {"actions", "github", "hashicorp"}
"""Trusted owners of actions."""
RUNNERS: Final = {"ubuntu-24.04", "ubuntu-24.04-arm"}
LONGEST_MINUTES: Final = 60
WRITES: Final = {
    ("ci", "deliver"): {"contents", "id-token", "pull-requests", "actions"},  # limits for the called workflow
    ("delivery", "build"): {"id-token"},
    ("delivery", "publish"): {"id-token"},
    ("delivery", "commit"): {"contents"},
    ("delivery", "propose"): {"contents", "pull-requests", "actions"},
    ("release", "image"): {"id-token"},
    ("release", "page"): {"contents"},
    ("security", "code"): {"security-events"},
}
"""Write permissions by workflow and job; all others may only read."""
KEEP_CREDENTIALS: Final = {("delivery", "commit"), ("delivery", "propose"), ("release", "version")}
"""Jobs that keep the checkout's credentials, because they push or list tags."""


def read(text: str) -> Workflow:
    """Parse the workflow; YAML 1.1 reads `on` as true."""
    found = yaml.safe_load(text)
    return {"on" if key is True else str(key): value for key, value in found.items()}


def workflows() -> dict[str, str]:
    """Workflow texts by file stem."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}


def steps(workflow: Workflow) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each step with its job's name."""
    for name, job in workflow["jobs"].items():
        for step in job.get("steps", []):
            yield name, step


def violations(name: str, text: str) -> list[str]:
    """Rule violations in this workflow, one line each."""
    workflow = read(text)
    return [
        *_workflow_violations(workflow, text),
        *_job_violations(name, workflow),
        *_step_violations(name, workflow),
        *_action_violations(text),
    ]


def _workflow_violations(workflow: Workflow, text: str) -> Iterator[str]:
    on = {workflow["on"]} if isinstance(workflow["on"], str) else set(workflow["on"])
    yield from (f"on {each}" for each in sorted(on - TRIGGERS))
    if workflow.get("permissions") != {}:
        yield "the workflow sets permissions for all jobs"
    if "workflow_call" not in on and "group" not in workflow.get("concurrency", {}):
        yield "two runs may run concurrently"
    if re.search(r"\bsecrets\b", text):
        yield "a stored secret: use OIDC roles and github.token"


def _job_violations(name: str, workflow: Workflow) -> Iterator[str]:
    for key, job in workflow["jobs"].items():
        rights = job.get("permissions")
        if not isinstance(rights, dict):
            yield f"{key} sets no permissions"
            continue
        written = {scope for scope, right in rights.items() if right == "write"}
        yield from (f"{key} may write {scope}" for scope in sorted(written - WRITES.get((name, key), set())))
        if "uses" in job:
            continue
        if {"id-token", "contents"} <= written:
            yield f"{key} may both push code and assume an AWS role"
        if not 0 < job.get("timeout-minutes", 0) <= LONGEST_MINUTES:
            yield f"{key} has no timeout of up to an hour"
        yield from (f"{key} runs on {runner}" for runner in sorted(_runners(job) - RUNNERS))


def _runners(job: dict[str, Any]) -> set[str]:
    """Runner labels of the job."""
    chosen = re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", job["runs-on"])
    return {each[chosen[1]] for each in job["strategy"]["matrix"]["include"]} if chosen else {job["runs-on"]}


def _step_violations(name: str, workflow: Workflow) -> Iterator[str]:
    for job, step in steps(workflow):
        if "${{" in step.get("run", ""):
            yield f"{job} interpolates an expression into a script: pass it in env"
        if step.get("uses", "").startswith("actions/checkout@"):
            kept = step.get("with", {}).get("persist-credentials", True)
            if kept is not ((name, job) in KEEP_CREDENTIALS):
                yield f"{job} {'keeps' if kept else 'lacks'} the checkout's credentials"


def _action_violations(text: str) -> Iterator[str]:
    for line in re.findall(r"^\s*(?:- )?uses: *(.+)$", text, re.MULTILINE):
        if line.startswith("./.github/workflows/"):
            continue
        owner = line.partition("/")[0]
        if owner not in OWNERS:
            yield f"an action of {owner}"
        if not re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line):
            yield f"{line} is not pinned by SHA with its version in a comment"
