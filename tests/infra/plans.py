"""What Terraform plans for an environment, without network and without an account."""

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
# Each environment as it is, and each other mode of PostgreSQL in the environment whose test has it.
PLANS: Final = (*((environment, "rds") for environment in ENVIRONMENTS), ("prod", "cloudnativepg"), ("dev", "bitnami"))
# Nothing answers there: whoever asks the network, or an account, fails.
NOWHERE: Final = "http://127.0.0.1:1"

Values = dict[str, Any]
CompletedTerraform = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that Terraform would make, with the values that are known before it does."""

    address: str
    type: str
    values: Values


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be made in an environment, and what the root then says of it."""

    resources: tuple[Resource, ...]
    outputs: Values

    def of(self, kind: str) -> dict[str, Values]:
        """Values of each resource of the kind, by address."""
        return {each.address: each.values for each in self.resources if each.type == kind}

    def only(self, kind: str) -> Values:
        """Values of the one resource of its kind."""
        (values,) = self.of(kind).values()
        return values


class Planner(Protocol):
    """A plan of an environment, and of a mode of PostgreSQL where it is not RDS."""

    def __call__(self, environment: str, mode: str = "rds") -> Plan: ...


@dataclass(frozen=True, slots=True)
class PlanTestResult:
    """What `terraform test` said of an environment: whether each run passed, what did not, and the plans, by run."""

    passed: dict[str, bool]
    complaints: tuple[str, ...]
    plans: dict[str, Plan]


@dataclass(slots=True)
class Root:
    """The root on AWS in a copy of the tree, made ready once; what each command took, and of it the processor."""

    folder: Path
    spent: dict[tuple[str, ...], tuple[float, float]] = field(default_factory=dict)
    _said: dict[tuple[str, ...], CompletedTerraform] = field(default_factory=dict)
    _tested: dict[str, PlanTestResult] = field(default_factory=dict)

    @classmethod
    def copied(cls, folder: Path) -> "Root":
        """A copy of all that the root reads, initialised."""
        for name in ("terraform", "dashboards"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform"))
        root = cls(folder / "terraform/aws")
        with root._counted(("init",)):
            init(root.folder)
        return root

    def run(self, *words: str) -> CompletedTerraform:
        """What Terraform says to these words, asked once, with nothing of an account or a network."""
        if words not in self._said:
            command = [terraform(), *words]
            with self._counted(words):
                self._said[words] = subprocess.run(
                    command, cwd=self.folder, env=surroundings(), capture_output=True, text=True, check=False
                )
        return self._said[words]

    @contextmanager
    def _counted(self, words: tuple[str, ...]) -> Iterator[None]:
        begun, used = time.monotonic(), _processor_s()
        yield
        self.spent[words] = time.monotonic() - begun, _processor_s() - used

    def tested(self, environment: str) -> PlanTestResult:
        """What the environment's own test says, run once."""
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
        """What is planned for the environment, or with PostgreSQL in another mode, as PLANS pairs the two."""
        tested = self.tested(environment)
        run = environment if mode == "rds" else mode
        assert run in tested.plans, (run, tested.complaints)
        return tested.plans[run]


def _processor_s() -> float:
    """Seconds that the processor gave to programs which this one started and that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def surroundings() -> dict[str, str]:
    """An environment without account, without words of another Terraform, and with a network that leads nowhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    return kept | proxies | {"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "", "no_proxy": ""}


def _read(printed: str, errors: str) -> PlanTestResult:
    """What `terraform test -json -verbose` printed."""
    passed: dict[str, bool] = {}
    complaints: list[str] = [errors] if not printed else []
    plans: dict[str, Plan] = {}
    for line in printed.splitlines():
        message = json.loads(line)
        if message["type"] == "test_run" and message["test_run"]["progress"] == "complete":
            passed[message["@testrun"]] = message["test_run"]["status"] == "pass"
        elif message["type"] == "diagnostic" and message["diagnostic"]["severity"] == "error":
            complaints.append(f"{message['@message']}: {message['diagnostic'].get('detail', '')}")
        elif message["type"] == "test_plan":
            plans[message["@testrun"]] = _plan(message["test_plan"])
    return PlanTestResult(passed, tuple(complaints), plans)


def _plan(raw: Values) -> Plan:
    outputs = {name: change["after"] for name, change in raw["output_changes"].items()}
    return Plan(tuple(_resources(raw["resource_changes"])), outputs)


def _resources(changes: list[Values]) -> Iterator[Resource]:
    for each in changes:
        if each["mode"] == "managed" and each["change"]["actions"] == ["create"]:
            yield Resource(each["address"], each["type"], each["change"]["after"])
