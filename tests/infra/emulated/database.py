"""Apply the postgres module to its own emulator in the background of other tests."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.infra.background_process import BackgroundProcess, background_process
from tests.infra.emulated.emulator import REGION, Emulator, emulator
from tests.infra.mirror import init, terraform

ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class BackgroundApply:
    """A running apply: it takes three minutes, most of them waiting in the AWS provider."""

    cloud: Emulator
    folder: Path
    process: BackgroundProcess

    def wait(self) -> tuple[Emulator, Path]:
        """Wait for the apply; the emulator and the root."""
        code, output = self.process.wait()
        assert code == 0, output[-4000:]
        return self.cloud, self.folder


@contextmanager
def background_apply(folder: Path) -> Iterator[BackgroundApply]:
    """Start the module's first apply; the emulator stops at the end of the block."""
    shutil.copytree(ROOT / "terraform/modules/postgres", folder / "postgres")
    with emulator(folder) as cloud:
        (folder / "main.tf").write_text(source(cloud), encoding="utf-8")
        init(folder, backend=True)
        command = [terraform(), "apply", "-input=false", "-auto-approve", "-parallelism=30", "-no-color"]
        with background_process(command, folder / "apply.log", folder=folder, environ=cloud.environ()) as process:
            yield BackgroundApply(cloud, folder, process)


def source(cloud: Emulator) -> str:
    """A root that only calls the module."""
    ec2 = cloud.client("ec2")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:3]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    values = {
        "name": "harbour",
        "instance_class": "db.t4g.medium",
        "multi_az": False,
        "protected": False,
        "backup_days": 1,
        "subnet_ids": subnets,
        "security_group_id": group,
        "kms_key_arn": cloud.client("kms").create_key()["KeyMetadata"]["Arn"],
        "log_retention_days": 7,
    }
    arguments = "".join(f"  {name} = {json.dumps(value)}\n" for name, value in values.items())
    provider = f'provider "aws" {{\n  region = "{REGION}"\n  max_retries = 2\n  skip_metadata_api_check = true\n}}\n'
    return f'{provider}module "postgres" {{\n  source = "./postgres"\n{arguments}}}\n'
