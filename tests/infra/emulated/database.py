"""The module of the database, applied to an emulator of its own while others are tested."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.infra.background_process import BackgroundProcess, child
from tests.infra.emulated.emulator import REGION, Emulator, emulator
from tests.infra.mirror import init, terraform

ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class BackgroundApply:
    """An apply that goes on: it takes three minutes, most of which AWS's provider waits."""

    cloud: Emulator
    folder: Path
    process: BackgroundProcess

    def done(self) -> tuple[Emulator, Path]:
        """The emulator and the root, once the module is applied."""
        code, said = self.process.done()
        assert code == 0, said[-4000:]
        return self.cloud, self.folder


@contextmanager
def applying(folder: Path) -> Iterator[BackgroundApply]:
    """The module's first apply, begun; the emulator ends with the block."""
    shutil.copytree(ROOT / "terraform/modules/postgres", folder / "postgres")
    with emulator(folder) as cloud:
        (folder / "main.tf").write_text(source(cloud), encoding="utf-8")
        init(folder, backend=True)
        command = [terraform(), "apply", "-input=false", "-auto-approve", "-parallelism=30", "-no-color"]
        with child(command, folder / "apply.log", folder=folder, surroundings=cloud.surroundings()) as process:
            yield BackgroundApply(cloud, folder, process)


def source(cloud: Emulator) -> str:
    """A root that is the module and nothing else."""
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
    told = "".join(f"  {name} = {json.dumps(value)}\n" for name, value in values.items())
    provider = f'provider "aws" {{\n  region = "{REGION}"\n  max_retries = 2\n  skip_metadata_api_check = true\n}}\n'
    return f'{provider}module "postgres" {{\n  source = "./postgres"\n{told}}}\n'
