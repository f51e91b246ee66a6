"""dev on an emulated AWS: the copied root, the values to fill in, and Terraform's output."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.infra.chart.test_pods import containers
from tests.infra.charts import CHARTS, IMAGE, render
from tests.infra.charts import station as station_values
from tests.infra.emulated.emulator import REGION, Emulator
from tests.infra.mirror import terraform

ROOT: Final = Path(__file__).parents[3]
OVERRIDES: Final = Path(__file__).with_name("overrides")


@dataclass(slots=True)
class DevEnvironment:
    """dev on the emulator: the copied root and everything Terraform has printed so far."""

    cloud: Emulator
    folder: Path
    before: dict[str, set[str]]
    printed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _shown: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, environ: dict[str, str] | None = None) -> str:
        """Run Terraform, which must succeed; its output."""
        started = time.monotonic()
        done = subprocess.run(
            [terraform(), *arguments, "-no-color"],
            cwd=self.folder,
            env=environ or self.cloud.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed.append(done.stdout)
        self.seconds[" ".join(arguments[:2])] = time.monotonic() - started
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def shown(self, plan: str) -> str:
        """A saved plan as JSON, cached."""
        if plan not in self._shown:
            self._shown[plan] = self.run("show", "-json", plan)
        return self._shown[plan]

    def secrets(self, job: str, environ: dict[str, str] | None = None, *, name: str = "") -> str:
        """Run `manage.py secrets` with the arguments of the chart's job; its output."""
        found = render(CHARTS / "secrets", IMAGE, station_values("dev"))
        (arguments,) = (
            each["args"] for name, each in containers(found) if name.partition("/")[2].startswith(f"{job}/")
        )
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *(word.replace("$(JOB)", name) for word in arguments[1:])],
            cwd=ROOT,
            env={"AWS_DEFAULT_REGION": REGION, **(environ or self.cloud.environ())},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed.append(done.stdout)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def state(self) -> str:
        """The state file."""
        return (self.folder / "terraform.tfstate").read_text(encoding="utf-8")


def dev_variables(cloud: Emulator) -> dict[str, object]:
    """Values that an operator fills in."""
    zones = cloud.client("route53").list_hosted_zones()["HostedZones"]
    return {
        "zone_id": zones[0]["Id"].removeprefix("/hostedzone/"),
        "cluster_access": {
            "operators": {"principal_arn": "arn:aws:iam::000000000000:role/operators", "access": "admin"}
        },
        "emails": ["station@example.org"],
        "github_repository": "example/anden",
        "terraform_cloud": {"organization": "example", "project": "anden", "workspaces": ["anden-dev-aws"]},
    }


def create_hosted_zone(cloud: Emulator) -> None:
    """Create a hosted zone; retry until the emulator's random id starts with Z, as Route 53's do."""
    route53 = cloud.client("route53")
    for attempt in range(1000):
        made = route53.create_hosted_zone(Name="dev.data.example.org", CallerReference=str(attempt))
        if made["HostedZone"]["Id"].startswith("/hostedzone/Z"):
            return
        route53.delete_hosted_zone(Id=made["HostedZone"]["Id"])
    raise AssertionError("the emulator generated no id that starts with Z")


def copied(folder: Path) -> Path:
    """Copy the root, with overrides for what the emulator does not support."""
    for name in ("terraform", "dashboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform"))
    shutil.copytree(OVERRIDES, folder / "terraform", dirs_exist_ok=True)
    root = folder / "terraform/aws"
    shutil.copy(root.parent / "environments/dev.tfvars", root / "dev.auto.tfvars")
    return root
