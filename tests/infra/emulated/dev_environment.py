"""dev on an emulator of AWS: where it is applied from, what its owner fills in, and what Terraform says of it."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.infra.chart.test_pods import containers
from tests.infra.charts import CHARTS, IMAGE, render
from tests.infra.charts import station as told
from tests.infra.emulated.emulator import REGION, Emulator
from tests.infra.mirror import terraform

ROOT: Final = Path(__file__).parents[3]
OVERRIDES: Final = Path(__file__).with_name("stand_ins")


@dataclass(slots=True)
class Station:
    """dev on an emulator: the copy that it is applied from, and all that Terraform has printed so far."""

    cloud: Emulator
    folder: Path
    before: dict[str, set[str]]
    printed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _shown: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, surroundings: dict[str, str] | None = None) -> str:
        """What Terraform prints; it must succeed."""
        begun = time.monotonic()
        done = subprocess.run(
            [terraform(), *words, "-no-color"],
            cwd=self.folder,
            env=surroundings or self.cloud.surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed.append(done.stdout)
        self.seconds[" ".join(words[:2])] = time.monotonic() - begun
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def shown(self, plan: str) -> str:
        """What Terraform says of a saved plan, asked once, as JSON."""
        if plan not in self._shown:
            self._shown[plan] = self.run("show", "-json", plan)
        return self._shown[plan]

    def secrets(self, job: str, surroundings: dict[str, str] | None = None, *, name: str = "") -> str:
        """What the station's own command prints, with the arguments of the chart's job; it must succeed."""
        found = render(CHARTS / "secrets", IMAGE, told("dev"))
        (words,) = (each["args"] for name, each in containers(found) if name.partition("/")[2].startswith(f"{job}/"))
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *(word.replace("$(JOB)", name) for word in words[1:])],
            cwd=ROOT,
            env={"AWS_DEFAULT_REGION": REGION, **(surroundings or self.cloud.surroundings())},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed.append(done.stdout)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def state(self) -> str:
        """The state, as it lies there."""
        return (self.folder / "terraform.tfstate").read_text(encoding="utf-8")


def surroundings_of_dev(cloud: Emulator) -> dict[str, object]:
    """What the owner of a station fills in."""
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


def own_zone(cloud: Emulator) -> None:
    """Make the hosted zone; the emulator draws its id, and Route 53's begin with a Z."""
    route53 = cloud.client("route53")
    for attempt in range(1000):
        made = route53.create_hosted_zone(Name="dev.data.example.org", CallerReference=str(attempt))
        if made["HostedZone"]["Id"].startswith("/hostedzone/Z"):
            return
        route53.delete_hosted_zone(Id=made["HostedZone"]["Id"])
    raise AssertionError("the emulator draws no id that begins with a Z")


def copied(folder: Path) -> Path:
    """The root in a copy of the tree, with stand-ins for what the emulator refuses, and made ready."""
    for name in ("terraform", "dashboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform"))
    shutil.copytree(OVERRIDES, folder / "terraform", dirs_exist_ok=True)
    root = folder / "terraform/aws"
    shutil.copy(root.parent / "environments/dev.tfvars", root / "dev.auto.tfvars")
    return root
