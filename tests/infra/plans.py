"""Terraform plans of each environment, without a network or an account."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from tests.infra.mirror import init, terraform

ROOT: Final = Path(__file__).resolve().parents[2]
ENVIRONMENTS: Final = tuple(sorted(path.stem for path in (ROOT / "terraform/environments").glob("*.tfvars")))
# Each environment as it is, and each other PostgreSQL mode in the environment whose test covers it.
PLANS: Final = (*((environment, "rds") for environment in ENVIRONMENTS), ("prod", "cloudnativepg"), ("dev", "bitnami"))
# Nothing listens there, so access to the network or an account fails.
NOWHERE: Final = "http://127.0.0.1:1"

Values = dict[str, Any]
CompletedTerraform = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Resource:
    """A planned resource, with the values known at plan time."""

    address: str
    type: str
    values: Values


@dataclass(frozen=True, slots=True)
class Plan:
    """The resources and outputs planned for an environment."""

    resources: tuple[Resource, ...]
    outputs: Values

    def of(self, kind: str) -> dict[str, Values]:
        """Values of each resource of this type, by address."""
        return {each.address: each.values for each in self.resources if each.type == kind}

    def only(self, kind: str) -> Values:
        """Values of the only resource of this type."""
        (values,) = self.of(kind).values()
        return values


class Planner(Protocol):
    """Returns the plan of an environment and PostgreSQL mode."""

    def __call__(self, environment: str, mode: str = "rds") -> Plan: ...


@dataclass(frozen=True, slots=True)
class PlanTestResult:
    """Result of `terraform test` for an environment: each run's status, errors, and plans by run."""

    passed: dict[str, bool]
    problems: tuple[str, ...]
    plans: dict[str, Plan]


@dataclass(slots=True)
class Root:
    """The AWS root in a copy of the tree, with the wall and CPU seconds of each command."""

    folder: Path
    spent: dict[tuple[str, ...], tuple[float, float]] = field(default_factory=dict)
    _completed: dict[tuple[str, ...], CompletedTerraform] = field(default_factory=dict)
    _tested: dict[str, PlanTestResult] = field(default_factory=dict)

    @classmethod
    def copied(cls, folder: Path) -> "Root":
        """An initialised copy of everything the root reads."""
        for name in ("terraform", "dashboards"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform"))
        root = cls(folder / "terraform/aws")
        with root._counted(("init",)):
            init(root.folder)
        return root

    def run(self, *arguments: str) -> CompletedTerraform:
        """Run Terraform with these arguments, cached, without an account or a network."""
        if arguments not in self._completed:
            command = [terraform(), *arguments]
            with self._counted(arguments):
                self._completed[arguments] = subprocess.run(
                    command, cwd=self.folder, env=isolated_environment(), capture_output=True, text=True, check=False
                )
        return self._completed[arguments]

    @contextmanager
    def _counted(self, arguments: tuple[str, ...]) -> Iterator[None]:
        started, used = time.monotonic(), _processor_s()
        yield
        self.spent[arguments] = time.monotonic() - started, _processor_s() - used

    def tested(self, environment: str) -> PlanTestResult:
        """Result of the environment's Terraform test, run once."""
        if environment not in self._tested:
            done = self.run(
                "test",
                f"-var-file=../environments/{environment}.tfvars",
                f"-filter=tests/{environment}.tftest.hcl",
                "-json",
                "-verbose",
            )
            self._tested[environment] = _read(done.stdout, done.stderr)
        return self._tested[environment]

    def planned(self, environment: str, mode: str = "rds") -> Plan:
        """The plan of the environment and mode, as paired in PLANS."""
        tested = self.tested(environment)
        run = environment if mode == "rds" else mode
        assert run in tested.plans, (run, tested.problems)
        return tested.plans[run]


def _processor_s() -> float:
    """CPU seconds of finished child processes."""
    used = os.times()
    return used.children_user + used.children_system


def isolated_environment() -> dict[str, str]:
    """Environment variables without AWS or Terraform settings, and with unreachable proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    return kept | proxies | {"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "", "no_proxy": ""}


def _read(printed: str, errors: str) -> PlanTestResult:
    """Parse the output of `terraform test -json -verbose`."""
    passed: dict[str, bool] = {}
    problems: list[str] = [errors] if not printed else []
    plans: dict[str, Plan] = {}
    for line in printed.splitlines():
        message = json.loads(line)
        if message["type"] == "test_run" and message["test_run"]["progress"] == "complete":
            passed[message["@testrun"]] = message["test_run"]["status"] == "pass"
        elif message["type"] == "diagnostic" and message["diagnostic"]["severity"] == "error":
            problems.append(f"{message['@message']}: {message['diagnostic'].get('detail', '')}")
        elif message["type"] == "test_plan":
            plans[message["@testrun"]] = _plan(message["test_plan"])
    return PlanTestResult(passed, tuple(problems), plans)


def _plan(raw: Values) -> Plan:
    outputs = {name: change["after"] for name, change in raw["output_changes"].items()}
    return Plan(tuple(_resources(raw["resource_changes"])), outputs)


def _resources(changes: list[Values]) -> Iterator[Resource]:
    for each in changes:
        if each["mode"] == "managed" and each["change"]["actions"] == ["create"]:
            yield Resource(each["address"], each["type"], each["change"]["after"])
